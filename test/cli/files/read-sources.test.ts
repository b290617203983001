import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type FileSystem, nodeFileSystem } from '../../../cli/files/file-system.ts';
import { readSources, type SourceInput } from '../../../cli/files/read-sources.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'aegis-read-'));
});
afterEach(() => rm(root, { recursive: true }));

function io(stdin: (string | Uint8Array)[] = [], files: FileSystem = nodeFileSystem): SourceInput {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const chunk of stdin) yield Buffer.from(chunk);
  }
  return { files, stdin: chunks() };
}

async function write(name: string, content: string | Uint8Array = name): Promise<string> {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

const names = (sources: { file: string }[]) => sources.map(({ file }) => path.relative(root, file));

test('a folder: sources in sorted order, without hidden folders, node_modules and other files', async () => {
  for (const name of [
    'b.yaml',
    'a.yml',
    'c.json',
    'sub/d.yaml',
    '.git/x.yaml',
    'node_modules/x.yaml',
    'x.txt',
    'z.YAML',
  ]) {
    await write(name);
  }
  const sources = await readSources([root], io());
  expect(names(sources)).toEqual(['a.yml', 'b.yaml', 'c.json', 'sub/d.yaml', 'z.YAML']);
  expect(sources[0]?.text).toBe('a.yml');
});

test('files are taken whatever their name, in the given order, each once', async () => {
  const [b, a] = [await write('b.txt'), await write('a.yaml')];
  expect(names(await readSources([b, a, root, b], io()))).toEqual(['b.txt', 'a.yaml']);
});

test('standard input in chunks that split a character', async () => {
  const bytes = Buffer.from('kind: é');
  const sources = await readSources(['-', '-'], io([bytes.subarray(0, 7), bytes.subarray(7)]));
  expect(sources).toEqual([{ file: '<stdin>', text: 'kind: é' }]);
});

test('links inside the folder are followed once; loops end (as in a mounted ConfigMap)', async () => {
  await write('..data-1/a.yaml');
  await symlink('..data-1', path.join(root, '..data'));
  await symlink('..data/a.yaml', path.join(root, 'a.yaml'));
  await symlink('.', path.join(root, 'loop'));
  expect(names(await readSources([root], io()))).toEqual(['a.yaml']);
});

test('links out of the folder are refused; the named folder itself may be a link', async () => {
  await write('outside.yaml');
  await write('in/a.yaml');
  await symlink(path.join(root, 'in'), path.join(root, 'link'));
  expect(names(await readSources([path.join(root, 'link')], io()))).toEqual(['link/a.yaml']);
  await symlink('../outside.yaml', path.join(root, 'in/b.yaml'));
  await expect(readSources([path.join(root, 'in')], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_OUTSIDE_ROOT' });
});

test('a sibling with the same prefix is outside too', async () => {
  await write('in/a.yaml');
  await write('in-other/b.yaml');
  await symlink('../in-other', path.join(root, 'in/more'));
  await expect(readSources([path.join(root, 'in')], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_OUTSIDE_ROOT' });
});

test('what cannot be read', async () => {
  await expect(readSources([path.join(root, 'no.yaml')], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_NOT_FOUND' });
  const latin = await write('latin.yaml', Buffer.from([0x61, 0xe9, 0x62]));
  await expect(readSources([latin], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_UNREADABLE' });
  await rm(latin);
  await symlink('nowhere', path.join(root, 'dangling.txt'));
  expect(await readSources([root], io())).toEqual([]);
  await symlink('nowhere', path.join(root, 'dangling.yaml'));
  await expect(readSources([root], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_NOT_FOUND' });
});

test('a loop of links', async () => {
  await symlink('b.yaml', path.join(root, 'a.yaml'));
  await symlink('a.yaml', path.join(root, 'b.yaml'));
  await expect(readSources([root], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_UNREADABLE' });
});

test('too large: one file, all files, too many files', async () => {
  const huge = await write('huge.yaml', Buffer.alloc(32 * 1024 * 1024 + 1, 0x20));
  await expect(readSources([huge], io())).rejects.toMatchObject({ code: 'AEGIS_FILE_TOO_LARGE' });
  await expect(readSources(['-'], io([Buffer.alloc(33 * 1024 * 1024, 0x20)]))).rejects.toMatchObject({
    code: 'AEGIS_FILE_TOO_LARGE',
  });
  const many: FileSystem = {
    realPath: async (name) => name,
    kindOf: async (name) => (name === '/all' ? 'folder' : 'file'),
    list: async () => Array.from({ length: 20_001 }, (_, i) => `${i}.yaml`),
    read: async () => new Uint8Array(),
  };
  await expect(readSources(['/all'], io([], many))).rejects.toMatchObject({ code: 'AEGIS_FILE_TOO_LARGE' });
});

test('permission denied is named', async () => {
  const denied: FileSystem = {
    ...nodeFileSystem,
    read: () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })),
  };
  await expect(readSources([await write('a.yaml')], io([], denied))).rejects.toThrow('a.yaml cannot be read (EACCES).');
});
