// Gives the names of all constants to the messages of errors: imported by what makes sockets. See name_constants().
import * as constants from '../constants.js';
import { name_constants } from '../errors/names.js';

name_constants(constants);
