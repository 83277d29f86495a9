// What commands look at before they begin, so that it is told in words of its own: files to be read, interfaces.
import { accessSync, constants, statSync } from 'node:fs';
import { if_nameindex } from '../../socket/index.js';
import { Failure, UNUSABLE } from './errors.js';

/** Looks whether a file can be read. @throws Failure for a directory; the file system's error */
export function check_file(path: string): void {
  if (statSync(path).isDirectory()) throw new Failure(`${path} is a directory`, UNUSABLE);
  accessSync(path, constants.R_OK);
}

/** Looks whether there is such an interface. @throws Failure with those that there are */
export function check_interface(name: string): void {
  const names = if_nameindex().map(([, each]) => each);
  if (names.includes(name)) return;
  throw new Failure(`there is no interface ${JSON.stringify(name)}, only ${names.join(', ')}`, UNUSABLE);
}
