// The public list of errors: every module exports these classes. raise.ts, which makes errors for failed calls, is internal.
import { ERROR_CLASSES } from './class_list.js';
import { name_classes } from './class_names.js';

export * from './classes.js';
/** Python's older names of OSError and of TimeoutError. */
export { OSError as error, TimeoutError as timeout } from './classes.js';

name_classes(ERROR_CLASSES);
