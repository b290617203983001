import { code, map, post } from './support.ts';

const shut = post({
  to: { in: 'multipart', type: 'string' },
  file: { in: 'multipart', type: 'string', format: 'binary' },
});
const open = post({ to: { in: 'multipart', type: 'string' } }, { undeclared: 'Allow' });

const part = (disposition: string, value = 'v', more = ''): string =>
  `--b\r\nContent-Disposition: ${disposition}\r\n${more}\r\n${value}\r\n`;
const TO = part('form-data; name="to"');
const END = '--b--\r\n';

function send(body: string, type = 'multipart/form-data; boundary=b', router = shut) {
  return map(router, 'POST', '/a', ['Content-Type', type], Buffer.from(body, 'latin1'));
}

test('the plain form is accepted, so that what follows is refused for its own reason', () => {
  expect(code(send(TO + END))).toBe('mapped to a');
  expect(code(send(part('form-data; name="file"; filename="f"') + END))).toBe('mapped to a');
});

test.each([
  ['no boundary', 'multipart/form-data'],
  ['an empty boundary', 'multipart/form-data; boundary='],
  ['an empty quoted boundary', 'multipart/form-data; boundary=""'],
  ['two boundaries', 'multipart/form-data; boundary=b; boundary=c'],
  ['two boundaries in different case', 'multipart/form-data; boundary=b; Boundary=c'],
  ['a boundary with a space at its end', 'multipart/form-data; boundary="b "'],
  ['a boundary that is too long', `multipart/form-data; boundary=${'b'.repeat(71)}`],
  ['an extended boundary', "multipart/form-data; boundary*=utf-8''b"],
  ['a continued boundary', 'multipart/form-data; boundary*0=b'],
  ['an escaped boundary', 'multipart/form-data; boundary="\\b"'],
  ['a boundary behind a comma', 'multipart/form-data, boundary=b'],
  ['another boundary behind a comma', 'multipart/form-data; boundary=b, multipart/form-data; boundary=c'],
  ['a space before the sign', 'multipart/form-data; boundary =b'],
  ['a charset that is not UTF-8', 'multipart/form-data; boundary=b; charset=utf-16'],
  ['another multipart type', 'multipart/mixed; boundary=b'],
  ['multipart/related', 'multipart/related; boundary=b'],
])('%s is refused', (_, type) => {
  expect(code(send(TO + END, type))).toBe('CONTENT_TYPE');
});

test.each([
  ['another boundary in the body', TO.replace('--b', '--c') + END],
  ['a preamble', `hello\r\n${TO}${END}`],
  ['an empty line as preamble', `\r\n${TO}${END}`],
  ['an epilogue', `${TO}${END}hello`],
  ['a second body as epilogue', `${TO}${END}${TO}${END}`],
  ['two empty lines as epilogue', `${TO}${END}\r\n`],
  ['a bare line feed as epilogue', `${TO}--b--\n`],
  ['no final boundary', TO],
  ['a final boundary with one dash', `${TO}--b-\r\n`],
  ['a body that ends within a boundary', `${TO}--`],
  ['padding behind a boundary', TO.replace('--b\r\n', '--b \r\n') + END],
  ['a tab behind a boundary', TO.replace('--b\r\n', '--b\t\r\n') + END],
  ['padding behind the final boundary', `${TO}--b-- \r\n`],
  ['a bare line feed behind a boundary', TO.replace('--b\r\n', '--b\n') + END],
  ['a bare carriage return behind a boundary', TO.replace('--b\r\n', '--b\r') + END],
  ['a boundary behind a bare line feed', `${part('form-data; name="to"', 'v\n--b\r\nx')}${END}`],
  ['a boundary within a line', `${part('form-data; name="to"', 'v--b')}${END}`],
  ['a longer boundary', `${part('form-data; name="to"', 'v\r\n--bb')}${END}`],
  [
    'a smuggled part in a value',
    `${part('form-data; name="to"', 'v\n--b\nContent-Disposition: form-data; name="x"')}${END}`,
  ],
  ['bare line feeds in headers', TO.replace('"\r\n\r\n', '"\n\n') + END],
  ['one bare line feed in headers', TO.replace('"\r\n\r\n', '"\nX: y\r\n\r\n') + END],
  ['no end of headers', `--b\r\nContent-Disposition: form-data; name="to"\r\n${END}`],
  ['no headers', `--b\r\n\r\nv\r\n${END}`],
  ['no disposition', `--b\r\nContent-Type: text/plain\r\n\r\nv\r\n${END}`],
  ['a folded header', TO.replace('form-data;', 'form-data;\r\n ') + END],
  ['a header without a name', TO.replace('Content-Disposition:', ':') + END],
  ['a space before the colon', TO.replace('Disposition:', 'Disposition :') + END],
  ['an underscore for a dash', TO.replace('Content-D', 'Content_D') + END],
  ['the disposition twice', TO.replace('\r\n\r\n', '\r\nContent-Disposition: form-data; name="x"\r\n\r\n') + END],
  [
    'the disposition twice in different case',
    TO.replace('\r\n\r\n', '\r\ncontent-disposition: form-data; name="x"\r\n\r\n') + END,
  ],
  ['an unknown header', part('form-data; name="to"', 'v', 'X-Other: 1\r\n') + END],
  ['a transfer encoding', part('form-data; name="to"', 'dg==', 'Content-Transfer-Encoding: base64\r\n') + END],
  ['an identity transfer encoding', part('form-data; name="to"', 'v', 'Content-Transfer-Encoding: 8bit\r\n') + END],
  ['a content encoding', part('form-data; name="to"', 'v', 'Content-Encoding: gzip\r\n') + END],
  ['a length that is not its own', part('form-data; name="to"', 'v', 'Content-Length: 2\r\n') + END],
  ['a length that is no number', part('form-data; name="to"', 'v', 'Content-Length: 0x1\r\n') + END],
  ['a charset', part('form-data; name="to"', 'v', 'Content-Type: text/plain; charset=utf-16\r\n') + END],
  ['a type with a boundary', part('form-data; name="to"', 'v', 'Content-Type: text/plain; boundary=c\r\n') + END],
  ['nested parts', part('form-data; name="to"', 'v', 'Content-Type: multipart/mixed\r\n') + END],
  [
    'nested parts with a boundary',
    part('form-data; name="to"', 'v', 'Content-Type: multipart/mixed; boundary=c\r\n') + END,
  ],
  ['a message as a part', part('form-data; name="to"', 'v', 'Content-Type: message/rfc822\r\n') + END],
  ['a control character in a header', part('form-data; name="t\x00o"') + END],
  ['a NUL in another header', part('form-data; name="to"', 'v', 'Content-Type: text/pl\x00ain\r\n') + END],
])('%s is refused, also where undeclared parts pass', (_, body) => {
  for (const router of [shut, open]) expect(code(send(body, undefined, router))).toMatch(/^(?:BODY|ENCODING)$/);
});

test.each([
  ['attachment; name="to"'],
  ['form-data'],
  ['form-data;'],
  ['form-data; name=to'],
  ["form-data; name='to'"],
  ['form-data; name="to'],
  ['form-data; name="to";'],
  ['form-data; name="to"; name="x"'],
  ['form-data; name="to"; Name="x"'],
  ['form-data; name="to"; filename="a"; filename="b"'],
  ['form-data; filename="a"; name="to"; filename="b"'],
  ['form-data; filename="f"; name="file"'],
  ['form-data; name="to"; x="y"'],
  ['form-data; name="x"; name*=utf-8\'\'to'],
  ["form-data; name*=utf-8''to"],
  ['form-data; name*0="t"; name*1="o"'],
  ['form-data; name="file"; filename*=utf-8\'\'a'],
  ['form-data; name="file"; filename="a"; filename*=utf-8\'\'b'],
  ['form-data; name="t\\o"'],
  ['form-data; name="a\\"; filename=\\"b"'],
  ['form-data; name="to%22; filename=%22x"'],
  ['form-data; name="t%6f"'],
  ['form-data; name="to%0D%0A"'],
  ['form-data; name="to%00"'],
  ['form-data; name="=?utf-8?B?dG8=?="'],
  ['form-data; name="file"; filename="=?utf-8?Q?a?="'],
  ['form-data; name="file"; filename="a%22b"'],
  ['form-data; name=""'],
  ['form-data; name="_charset_"'],
  ['form-data; name="to\xff"'],
  ['form-data, form-data; name="to"'],
  ['form-data; name="to" x'],
  ['form-data\x0b; name="to"'],
])('the disposition %s is refused, also where undeclared parts pass', (disposition) => {
  for (const router of [shut, open]) {
    expect(code(send(part(disposition) + END, undefined, router))).toMatch(/^(?:BODY|ENCODING)$/);
  }
});

test.each<[string, string, string]>([
  ['a declared part twice', TO + TO + END, 'DUPLICATE'],
  ['an undeclared part', part('form-data; name="x"') + END, 'UNDECLARED'],
  ['a declared part in another case', part('form-data; name="To"') + END, 'UNDECLARED'],
  ['a declared part as a list', part('form-data; name="to[]"') + END, 'UNDECLARED'],
  ['a declared part with a space', part('form-data; name=" to"') + END, 'UNDECLARED'],
  ['a method override', part('form-data; name="_method"', 'DELETE') + END, 'HEADER'],
  ['a text part as a file', part('form-data; name="to"; filename="f"') + END, 'MISTYPED'],
  ['a text part as a file without a name', part('form-data; name="to"; filename=""') + END, 'MISTYPED'],
  ['a file as a text part', part('form-data; name="file"') + END, 'MISTYPED'],
  ['a file without a name', part('form-data; name="file"; filename=""') + END, 'MISTYPED'],
  ['a file with a path', part('form-data; name="file"; filename="../a"') + END, 'MISTYPED'],
  ['a file with a Windows path', part('form-data; name="file"; filename="c:/a"') + END, 'MISTYPED'],
  ['a file called ..', part('form-data; name="file"; filename=".."') + END, 'MISTYPED'],
  [
    'a text part that says it is JSON',
    part('form-data; name="to"', '{}', 'Content-Type: application/json\r\n') + END,
    'MISTYPED',
  ],
  ['a text part that is not UTF-8', part('form-data; name="to"', '\xff') + END, 'ENCODING'],
  ['a text part with a byte order mark', part('form-data; name="to"', '\xef\xbb\xbfv') + END, 'ENCODING'],
  ['a text part with a hidden control character', part('form-data; name="to"', 'a\x00b') + END, 'ENCODING'],
  ['too many parts', TO.repeat(1002) + END, 'TOO_LARGE'],
  [
    'too many headers',
    part('form-data; name="to"', 'v', Array.from({ length: 9 }, (_, n) => `X-${'a'.repeat(n)}: 1\r\n`).join('')) + END,
    'BODY',
  ],
  [
    'headers that are too long',
    part('form-data; name="to"', 'v', `Content-Type: a/${'b'.repeat(5000)}\r\n`) + END,
    'BODY',
  ],
])('%s is refused', (_, body, expected) => {
  expect(code(send(body))).toBe(expected);
});
