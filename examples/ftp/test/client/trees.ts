// Folders with files, as text.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The tree of a folder: names with their content. */
export function tree(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = join(root, name);
    found[name] = statSync(path).isDirectory() ? '/' : readFileSync(path, 'utf8');
  }
  return found;
}

/** Writes files, with the folders that they need. */
export function make_tree(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}
