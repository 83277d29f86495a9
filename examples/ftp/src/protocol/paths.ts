// Paths as clients say them: relative to the working directory, or absolute. They become absolute and have no '.', '..' or '//' any more,
// so nothing above '/' has a name. What a name stands for on a disk, symbolic links included, is the store's concern.

/** Returns the absolute path. @param directory the working directory, absolute */
export function resolve_path(directory: string, path: string): string {
  const parts: string[] = [];
  const from = path.startsWith('/') ? path : `${directory}/${path}`;
  for (const part of from.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Returns the folder of an absolute path; that of '/' is '/'. */
export function folder_of(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

/** Returns the last name of an absolute path; '' for '/'. */
export function name_of(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
