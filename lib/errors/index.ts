// The public list of errors: every module exports these classes. raise.ts, which makes errors for failed calls, is internal.
import { name_classes } from './class_names.js';
import * as classes from './classes.js';

export * from './classes.js';
/** Python's older names of OSError and of TimeoutError. */
export { OSError as error, TimeoutError as timeout } from './classes.js';

name_classes(classes);
