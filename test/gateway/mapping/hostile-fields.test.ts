/** Query and form fields that two parsers could read in two ways. */
import { code, expectRefused, FORM, map, params, post, tool } from './support.ts';

const PARAMETERS = {
  amount: { in: 'form', type: 'integer' },
  destination: { in: 'form', type: 'string', name: 'transfer_data[destination]' },
  expand: { in: 'form', type: 'array', items: 'string' },
  ids: { in: 'form', type: 'array', items: 'integer', name: 'ids[]' },
  metadata: { in: 'form', type: 'object' },
  items: { in: 'form', type: 'array', items: 'object' },
  live: { in: 'form', type: 'boolean' },
  account: { in: 'query', type: 'string' },
} as const;
const shut = post(PARAMETERS);
const open = post(PARAMETERS, { undeclared: 'Allow' });
const send = (body: string, router = shut, target = '/a') => map(router, 'POST', target, FORM, body);

test('nested fields are read in one way', () => {
  const body =
    'transfer_data[destination]=acct&expand[0]=a&expand[1]=b&ids[]=1&ids[]=2&metadata[a]=x&metadata[b][c]=y&items[0][price]=p&items[0][qty]=2&items[1][price]=q';
  expect(params(send(body))).toEqual({
    destination: 'acct',
    expand: ['a', 'b'],
    ids: [1, 2],
    metadata: { a: 'x', b: { c: 'y' } },
    items: [{ price: 'p', qty: '2' }, { price: 'q' }],
  });
  expect(params(send(body.replaceAll('[', '%5B').replaceAll(']', '%5d')))).toEqual(params(send(body)));
  expect(params(send('expand=a&expand=b'))).toEqual({ expand: ['a', 'b'] });
  expect(params(send('expand[]=a&expand[]=b'))).toEqual({ expand: ['a', 'b'] });
  expect(params(send('metadata='))).toEqual({ metadata: {} });
});

test.each([
  ['a plain field twice', 'amount=1&amount=2'],
  ['the same value twice', 'amount=1&amount=1'],
  ['a field twice in two encodings', 'amount=1&%61mount=2'],
  ['a nested field twice', 'transfer_data[destination]=a&transfer_data[destination]=b'],
  ['a nested field twice in two encodings', 'transfer_data[destination]=a&transfer_data%5Bdestination%5D=b'],
  ['a nested field half encoded', 'transfer_data[destination]=a&transfer_data%5Bdestination]=b'],
  ['a nested field as a list', 'transfer_data[destination][]=a'],
  ['a nested field with a level more', 'transfer_data[destination][x]=a'],
  ['a nested field without its bracket', 'transfer_data[destination=a'],
  ['a nested field with a dot', 'transfer_data.destination=a'],
  ['a nested field with an underscore', 'transfer_data_destination=a'],
  ['a nested field with doubled brackets', 'transfer_data[[destination]]=a'],
  ['a nested field with a space', 'transfer_data[ destination]=a'],
  ['a nested field with a plus', 'transfer_data[destination+]=a'],
  ['a nested field in upper case', 'transfer_data[Destination]=a'],
  ['a nested field with text behind it', 'transfer_data[destination]x=a'],
  ['a nested field in braces', 'transfer_data{destination}=a'],
  ['the whole map of a nested field', 'transfer_data={"destination":"a"}'],
  ['a sibling of a nested field', 'transfer_data[amount]=1'],
  ['a list of maps for a nested field', 'transfer_data[][destination]=a'],
  ['an indexed nested field', 'transfer_data[0][destination]=a'],
  ['a plain field as a list', 'amount[]=1'],
  ['a plain field with an index', 'amount[0]=1'],
  ['a plain field as a map', 'amount[a]=1'],
  ['a plain field and itself as a list', 'amount=1&amount[]=2'],
  ['a field in upper case', 'Amount=1'],
  ['a field with a space before', '+amount=1'],
  ['a field with a space behind', 'amount+=1'],
  ['a field with a tab', 'amount%09=1'],
  ['a field with a NUL', 'amount%00=1'],
  ['a field with a line break', 'amount%0d%0a=1'],
  ['a field with a byte order mark', '%ef%bb%bfamount=1'],
  ['a field with a zero width space', 'am%e2%80%8bount=1'],
  ['a field in full width letters', '%ef%bd%81mount=1'],
  ['a field encoded twice', '%2561mount=1'],
  ['a list in two notations', 'expand=a&expand[]=b'],
  ['a list with an index and without', 'expand[0]=a&expand[]=b'],
  ['a list with a gap', 'expand[0]=a&expand[2]=b'],
  ['a list in another order', 'expand[1]=a&expand[0]=b'],
  ['a list with an index twice', 'expand[0]=a&expand[0]=b'],
  ['a list that starts at 1', 'expand[1]=a'],
  ['a list with a padded index', 'expand[00]=a'],
  ['a list with a negative index', 'expand[-1]=a'],
  ['a list with a huge index', 'expand[99999999999]=a'],
  ['a list with a name for an index', 'expand[a]=b'],
  ['a list of lists', 'expand[0][0]=a'],
  ['a declared list without its brackets', 'ids=1'],
  ['a declared list with indexes', 'ids[0]=1'],
  ['a declared list of another type', 'ids[]=x'],
  ['a map and a value', 'metadata=x&metadata[a]=y'],
  ['a value and its members', 'metadata[a]=x&metadata[a][b]=y'],
  ['members and their value', 'metadata[a][b]=y&metadata[a]=x'],
  ['a member twice', 'metadata[a]=x&metadata[a]=y'],
  ['a member twice in two encodings', 'metadata[a]=x&metadata[%61]=y'],
  ['a map as a list', 'metadata[]=x'],
  ['a map with indexes', 'metadata[0]=x'],
  ['a map as text', 'metadata=x'],
  ['a map with an open bracket', 'metadata[a=x'],
  ['a map with text between brackets', 'metadata[a]b[c]=x'],
  ['a map with text behind brackets', 'metadata[a]b=x'],
  ['a map with nested brackets', 'metadata[a[b]]=x'],
  ['a map with a list of maps', 'metadata[a][][b]=x'],
  ['a map with an empty key inside', 'metadata[][a]=x'],
  ['a map with the prototype', 'metadata[__proto__][x]=y'],
  ['a map that is too deep', `metadata${'[a]'.repeat(9)}=x`],
  ['a list of maps with a value', 'items[0]=x'],
  ['a list of maps with an empty index', 'items[][price]=p&items[][qty]=1'],
  ['a list of maps in another order', 'items[1][price]=p&items[0][price]=q'],
  ['a boolean in words', 'live=yes'],
  ['a boolean as a number', 'live=1'],
  ['a boolean in upper case', 'live=TRUE'],
  ['a boolean without a value', 'live'],
  ['a semicolon between fields', 'amount=1;amount=2'],
  ['a semicolon in a value', 'transfer_data[destination]=a;b'],
  ['an empty name', '=1'],
  ['a name of brackets', '[]=1'],
  ['a name that starts with a bracket', '[amount]=1'],
  ['a raw space', 'transfer_data[destination]=a b'],
  ['a raw line break', 'amount=1\n&amount=2'],
  ['a raw non-ASCII letter', 'transfer_data[destination]=ä'],
  ['a stray percent sign', 'transfer_data[destination]=100%'],
  ['a percent sign with one digit', 'transfer_data[destination]=%4'],
  ['an IIS escape', 'transfer_data[destination]=%u0041'],
  ['an overlong form', 'transfer_data[destination]=%c0%af'],
  ['half of a surrogate pair', 'transfer_data[destination]=%ed%a0%80'],
  ['bytes that are not UTF-8', 'transfer_data[destination]=%ff'],
  ['a NUL in a value', 'transfer_data[destination]=a%00'],
  ['an escape sequence in a value', 'transfer_data[destination]=%1b[0m'],
  ['a method override', '_method=DELETE'],
  ['a method override in upper case', '_METHOD=DELETE'],
  ['a method override as a list', '_method[]=DELETE'],
  ['a header override', 'X-HTTP-Method-Override=DELETE'],
  ['a JSON body in a form', '{"amount":1}'],
  ['a query field in the body', 'account=a'],
])('%s is refused', (_, body) => {
  expectRefused(send(body));
  // and where undeclared fields pass, whatever could pass for a declared one still does not
});

test.each([
  'Amount=1',
  'amount[]=1',
  'amount[a]=1',
  '+amount=1',
  'am%e2%80%8bount=1',
  '%ef%bd%81mount=1',
  'AM-OUNT=1',
  'am.ount=1',
  'transfer_data.destination=a',
  'transfer_data[Destination]=a',
  'transfer_data[destination][]=a',
  'transfer_data=a',
  'TRANSFER_DATA[x]=a&transferData[destination]=a',
  'transferData[destination]=a',
  'transfer-data[destination]=a',
  'transfer_data][destination=a',
  'transfer_data[[destination]]=a',
  'Metadata[a]=x',
  'ids=1',
  'ids[0]=1',
  'account=a',
  'Account=a',
  'a%C5%BFf=1&account[]=a',
  '_method=PUT',
  '.method=PUT',
  '+_method=PUT',
  '_method[]=PUT',
  '[_method]=PUT',
  '%24httpMethod=PUT',
  'X-HTTP-Method-Override=PUT',
])('where undeclared fields pass, the form %s is refused', (body) => {
  expectRefused(send(body, open));
});

test('what passes for nothing declared does pass there', () => {
  expect(params(send('more=1&other[a][b]=2&list[]=1&list[]=2&amount=3', open))).toEqual({ amount: 3 });
  expect(code(send('more=1&more=2', open))).toBe('DUPLICATE');
});

test.each([
  '/a?account=a&account=b',
  '/a?account=a&%61ccount=b',
  '/a?amount=1',
  '/a?Account=a',
  '/a?account[]=a',
  '/a?account;=a',
  '/a?_method=PUT',
  '/a?account=%zz',
  '/a?account=a%00',
  '/a?=a',
  '/a?account=ä',
  '/a?account=a#b',
  '/a?account=a\\b',
])('the target %s is refused, also where undeclared fields pass', (target) => {
  expectRefused(send('amount=1', shut, target));
  expectRefused(send('amount=1', open, target));
});

test('a list in the query of a read', () => {
  const read = tool([
    {
      name: 'r',
      effect: 'read',
      match: { method: 'GET', path: '/r' },
      parameters: { id: { in: 'query', type: 'array' } },
    },
  ]);
  const get = (query: string) => map(read, 'GET', `/r?${query}`);
  for (const query of ['id=1&id=2', 'id[]=1&id[]=2', 'id[0]=1&id[1]=2'])
    expect(params(get(query))).toEqual({ id: ['1', '2'] });
  for (const query of ['id=1&id[]=2', 'id[1]=1', 'ID=3', 'id[a]=1', 'id.0=1', '%2569d=1']) expectRefused(get(query));
});
