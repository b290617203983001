import { existsSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { type Page, ROOT, readPage, readPages } from './pages.ts';

interface Link {
  target: string;
  anchor?: string;
}

/** Links to other places of the repository. */
function linksIn({ path, prose }: Page): Link[] {
  const links: Link[] = [];
  for (const [, url = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(url)) continue;
    const [file = '', anchor] = url.split('#');
    const target = file === '' ? path : normalize(join(path, '..', file));
    links.push({ target, ...(anchor !== undefined && { anchor }) });
  }
  return links;
}

/** As GitHub names the places of a page. */
function anchorsOf({ prose }: Page): string[] {
  const headings = [...prose.matchAll(/^#{1,6} +(.+)$/gm)].map(([, title = '']) => title);
  return headings.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const pages = readPages();

test.each(pages.map((page) => [page.path, page] as const))('%s: every link leads somewhere', (_, page) => {
  const broken = linksIn(page).filter(({ target, anchor }) => {
    const place = join(ROOT, target);
    if (target.startsWith('..') || !existsSync(place)) return true;
    if (anchor === undefined) return false;
    return statSync(place).isDirectory() || !anchorsOf(readPage(target)).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('every page of docs is linked from another one', () => {
  const linked = new Set(
    pages.flatMap((page) => linksIn(page).flatMap(({ target }) => (target === page.path ? [] : [target]))),
  );
  const alone = pages.map(({ path }) => path).filter((path) => /^docs\/[^/]+$/.test(path) && !linked.has(path));
  expect(alone).toEqual([]);
});
