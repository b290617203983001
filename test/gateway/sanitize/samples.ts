import fc from 'fast-check';
import type { DetectorName } from '../../../policy/sanitize/detectors.ts';

/** Texts in which each detector finds exactly the piece between the marks «». Test data only: no number is anybody's. */
export const FOUND: Readonly<Record<DetectorName, readonly string[]>> = {
  email: [
    'write to «bob@example.com» soon',
    '<«first.last+tag@mail.example.co.uk»>',
    "mailto:«o'brien@example.org».",
    'to: «jürgen@exämple.de»',
    '«root@[192.168.0.1]»',
    'a«b»'.replace('a«b»', 'x=«a_b-c@sub.example.museum»;'),
  ],
  phone: [
    'call «+1 (415) 555-2671» now',
    'call «+14155552671»',
    '«+49 30 1234567»',
    'ring «(415) 555-2671»',
    'ring «415.555.2671»!',
    'ring «1-415-555-2671»',
    'Büro «030 1234567»',
    'appelez «01 23 45 67 89».',
    'tel: «4155552671»',
    '"phone": "«555 2671»"',
    '«0049 30 1234567»',
  ],
  'payment-card': [
    'card «4242424242424242» ok',
    'card «4242 4242 4242 4242» ok',
    '«4242-4242-4242-4242»',
    '«3782 822463 10005» amex',
    '«5555555555554444»,«4111111111111111»',
    'n:«4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2»',
    'on two lines «4242 4242\n4242 4242» end',
    '«6011.1111.1111.1117»',
    '«4242 4242 4242 4242» 123',
    '«2223003122003222»',
  ],
  iban: [
    'IBAN «DE89370400440532013000» please',
    '«GB82 WEST 1234 5698 7654 32»',
    'to «FR14 2004 1010 0505 0001 3M02 606».',
  ],
  'us-ssn': [
    'id «219-09-9998» x',
    '«078 05 1121»',
    'SSN: «219099998»',
    '"social_security_number":"«219099998»"',
    '«219.09.9998»',
  ],
  mrn: [
    'MRN: «00123456»',
    'Medical Record Number «A-12345» of',
    'medical_record_no=«778899»',
    '<mrn>«55-1234»</mrn>',
    'PID|1||«12345»^^^HOSP^MR||Doe',
    '"mrn": "«E1234»"',
  ],
  secret: [
    'key «sk_live_abcdefghijklmnop1234» end',
    'key «AKIAIOSFODNN7EXAMPLE»',
    '«ghp_abcdefghijklmnopqrstuvwxyz0123456789»',
    '«xoxb-123456789012-abcdefghijkl»',
    'jwt «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl» end',
    'Bearer «abcdefghij0123456789»',
    'password=«hunter2»&x=1',
    'postgres://user:«pa55word»@db.example.com/x',
    '«-----BEGIN PRIVATE KEY-----\nMIIBVAIBADANBgkqhkiG9w0BAQ==\n-----END PRIVATE KEY-----»\nrest',
    'api_key: "«Zm9vYmFy»"',
  ],
  'ip-address': ['from «10.1.2.3» to', '[«2001:db8::1»]:80', 'host «fe80::1ff:fe23:4567:890a».'],
  'date-of-birth': [
    'DOB: «1970-01-31»',
    'born on «31 January 1970»',
    '"birthDate": "«1970-01-31»"',
    'date of birth «01/31/1970» at',
  ],
};

/** Texts in which a detector finds nothing. */
export const NOT_FOUND: Readonly<Record<DetectorName, readonly string[]>> = {
  email: ['user@localhost', 'pkg@1.2.3', '@handle', 'a @ b.com', 'x@.com'],
  phone: ['1700000000', '2024-01-31 10:00', '01.02.2024 10', '3.14159265358979', 'order 4155552671', '10.0.0.1', '+12'],
  'payment-card': [
    '4242424242424241',
    '1234567890123456',
    '0.4242424242424242',
    '1700000000000',
    '142424242424242424242',
    'a4242424242424242b',
    '424242424242',
  ],
  iban: [
    'DE88370400440532013000',
    'is 12 minutes and then some more',
    'XX89370400440532013000',
    'DE8937040044053201300',
  ],
  'us-ssn': ['000-12-3456', '666-12-3456', '900-12-3456', '123-00-4567', '123-45-0000', '219099998', '1234-56-7890'],
  mrn: ['mrn unknown', 'number 123456', 'medical record', 'the medical record of a patient'],
  secret: [
    'password reset',
    'sk_live_',
    'the secret is out',
    'Bearer realm="x"',
    'token: abc',
    'the key-value store',
    'password: required',
  ],
  'ip-address': ['1.2.3', '1.2.3.4.5', '256.1.1.1', '12:30:45', 'std::string'],
  'date-of-birth': ['2024-01-31', 'born free', 'birthday party'],
};

export const CARD = '4242424242424242';

/** Pieces of text of which detectors find, almost find, or find nothing. */
export const PIECES: readonly string[] = [
  ...Object.values(FOUND).flatMap((texts) => texts.map((text) => text.replaceAll(/[«»]/g, ''))),
  ...Object.values(NOT_FOUND).flat(),
  ...[
    ' ',
    '-',
    '.',
    ',',
    '\n',
    '"',
    '\\',
    '%20',
    '&nbsp;',
    '&#52;',
    '%34',
    '\\u0034',
    '４',
    '\u200b',
    '😀',
    'é',
    '@',
    '+',
    '(',
  ],
  ...[
    '4242',
    '42',
    '4',
    'password',
    'mrn',
    'tel',
    '-----BEGIN',
    'eyJ',
    'DE89',
    '219-',
    ':',
    '=',
    '://',
    '[',
    '<td>',
    'x',
  ],
];

export const text: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 })), { maxLength: 8 })
  .map((pieces) => pieces.join(''));

/** Lengths of pieces in which a text comes; used again and again. */
export const pieceLengths: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
);

export function cut<T extends string | Buffer>(whole: T, lengths: readonly number[]): T[] {
  const pieces: T[] = [];
  for (let from = 0, index = 0; from < whole.length; index += 1) {
    const length = lengths[index % lengths.length] as number;
    pieces.push(
      (typeof whole === 'string' ? whole.slice(from, from + length) : whole.subarray(from, from + length)) as T,
    );
    from += length;
  }
  return pieces;
}
