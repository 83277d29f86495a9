// Shapes typedoc's documentation: titles and groups of the pages, the constants by their prefix, no private members.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc';

const root = fileURLToPath(new URL('../..', import.meta.url));
const CONSTANT = /^([A-Z][A-Z0-9]*)_[A-Z0-9_]+$|^EAI_|^[A-Z0-9]+$/;

/** The group of a page in the navigation, by its path in the repository. */
function group_of(path) {
  if (path.startsWith('docs/guides/')) return 'Guides';
  if (path.startsWith('docs/')) return 'Modules and topics';
  return path.startsWith('examples/') ? 'Guides' : 'Project';
}

/** The title of a page: its first heading, without the marks of Markdown. */
function title_of(text) {
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? '';
}

/** The sources of the examples, each under a heading of its own. */
function example_sources() {
  return readdirSync(join(root, 'examples'))
    .filter((name) => name.endsWith('.mjs'))
    .map(
      (name) => `\n\n## ${name}\n\n\`\`\`js\n${readFileSync(join(root, 'examples', name), 'utf8')}\`\`\`\n`,
    )
    .join('');
}

export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const path = document.project.files.getReflectionPath(document) ?? '';
    const relative = path.slice(root.length);
    document.name = title_of(readFileSync(path, 'utf8')) || basename(path);
    document.frontmatter.group = group_of(relative);
    if (relative === 'examples/README.md') document.content.push({ kind: 'text', text: example_sources() });
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, declaration) => {
    if (!declaration.kindOf(ReflectionKind.Variable)) return;
    const match = CONSTANT.exec(declaration.name);
    if (!match) return;
    declaration.comment ??= new Comment();
    declaration.comment.blockTags.push(
      new CommentTag('@category', [{ kind: 'text', text: match[1] ? `${match[1]}_…` : 'Other constants' }]),
    );
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    const hidden = Object.values(context.project.reflections).filter(
      (reflection) =>
        reflection.name.startsWith('_') && !reflection.name.startsWith('__') && !reflection.isParameter?.(),
    );
    for (const reflection of hidden) context.project.removeReflection(reflection);
  });
}
