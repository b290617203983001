import { type Detector, eachMatch, type Findings } from './detector.ts';
import { labelBeginnings, labelPattern, scanLabelled, unfinishedLabel } from './labels.ts';

/**
 * Credentials: keys and tokens of well-known forms, JSON Web Tokens, PEM private keys, bearer tokens, passwords in URLs,
 * and what stands behind a label such as `password=` or `api_key:` if it looks like a secret.
 */

/** What a token begins with, and the characters (class) and length of what follows. */
interface TokenForm {
  leads: readonly string[];
  body: string;
  least: number;
  /** Source of what must follow the body, which is then bounded. */
  rest?: string;
}

const WORD = 'A-Za-z0-9';
const each = (pattern: string, letters: string): string[] => [...letters].map((letter) => pattern.replace('?', letter));

const FORMS: readonly TokenForm[] = [
  { leads: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'], body: WORD, least: 8 },
  { leads: ['whsec_'], body: `${WORD}+/=`, least: 16 },
  {
    leads: ['AKIA', 'ASIA', 'AGPA', 'AIDA', 'AROA', 'AIPA', 'ANPA', 'ANVA', 'ABIA', 'ACCA'],
    body: 'A-Z0-9',
    least: 16,
  },
  { leads: each('gh?_', 'pousr'), body: WORD, least: 20 },
  { leads: ['github_pat_'], body: `${WORD}_`, least: 20 },
  { leads: ['glpat-', 'gldt-', 'glrt-', 'glptt-', 'glcbt-', 'glsoat-'], body: `${WORD}_.-`, least: 16 },
  { leads: each('xox?-', 'abcdeoprs'), body: `${WORD}-`, least: 8 },
  { leads: ['xapp-'], body: `${WORD}-`, least: 12 },
  { leads: ['AIza'], body: `${WORD}_-`, least: 30 },
  { leads: ['ya29.'], body: `${WORD}_.-`, least: 16 },
  { leads: ['GOCSPX-'], body: `${WORD}_-`, least: 16 },
  { leads: ['sk-'], body: `${WORD}_-`, least: 20 },
  { leads: ['npm_', 'hf_'], body: WORD, least: 20 },
  { leads: ['pypi-', 'dckr_pat_', 'hvs.'], body: `${WORD}_-`, least: 16 },
  { leads: ['SG.'], body: `${WORD}_-`, least: 16, rest: `\\.[${WORD}_-]{16,}` },
  { leads: ['shpat_', 'shpca_', 'shppa_', 'shpss_', 'SK', 'key-'], body: 'A-Fa-f0-9', least: 32 },
  { leads: ['dop_v1_', 'doo_v1_', 'dor_v1_'], body: 'a-f0-9', least: 32 },
  { leads: ['sq0atp-', 'sq0csp-', 'EAAA'], body: `${WORD}_-`, least: 22 },
  { leads: ['AGE-SECRET-KEY-1'], body: 'A-Z0-9', least: 40 },
  // JWS and JWE in compact form: base64url of `{"`, and two or four more parts (RFC 7515, RFC 7516).
  { leads: ['eyJ', 'ewo', 'ewog'], body: `${WORD}_-`, least: 8, rest: `\\.[${WORD}_-]{4,}(?:\\.[${WORD}_-]*){0,3}` },
];

const escapeSource = (text: string): string => text.replaceAll(/[.+/-]/g, '\\$&');

/** A token begins where no character stands before it that could be a part of it: so every attempt is made once. */
function boundary({ body }: TokenForm): string {
  return `(?<![${WORD}${body.includes('_') ? '_' : ''}${body.endsWith('-') ? '-' : ''}])`;
}

const leadsOf = ({ leads }: TokenForm): string => `(?:${leads.map(escapeSource).join('|')})`;
/** A longer run without the rest of its form is something else. */
const LONGEST_HEAD = 2048;
const TOKEN = new RegExp(
  FORMS.map(
    (form) =>
      `${boundary(form)}${leadsOf(form)}[${form.body}]{${form.least},${form.rest === undefined ? '' : LONGEST_HEAD - 64}}${form.rest ?? ''}`,
  ).join('|'),
  'g',
);
const UNFINISHED_TOKEN = new RegExp(
  FORMS.map(
    (form) =>
      `${boundary(form)}${leadsOf(form)}[${form.rest === undefined ? '' : '.'}${form.body}]{0,${LONGEST_HEAD}}$`,
  ).join('|'),
);

const PHRASES = [
  'password',
  'passwd',
  '^pwd',
  'passphrase',
  'secret',
  'api key',
  'apikey',
  'access token',
  'refresh token',
  'auth token',
  'id token',
  'session token',
  'private key',
  'secret key',
  'access key',
  'account key',
  'client secret',
  'authorization',
  '^bearer',
  '^token',
];
/** Fields that hold a secret and nothing else, without dashes and underscores. */
const FIELD =
  /(?:password|passwd|passphrase|secret|apikey|apisecret|accesstoken|refreshtoken|authtoken|idtoken|sessiontoken|bearertoken|privatekey|secretkey|secretaccesskey|accountkey|sharedaccesskey|connectionstring|authorization|^pwd)$/;

const BEGINNINGS = labelBeginnings([
  ...PHRASES,
  ...FORMS.flatMap(({ leads }) => leads.map((lead) => lead.toLowerCase())),
]);
const LABELLED = {
  label: labelPattern(PHRASES),
  value: /(?:Bearer |Basic |Token )?[^\s"'<>,;&(){}[\]\\]{4,}/iy,
  longest: 12,
  accepts: acceptsLabelled,
};

/** Written as a setting, anything counts; in prose, what has digits or signs in it and is no plain word. */
function acceptsLabelled(value: string, gap: string, label: string): boolean {
  if (/^bearer$/i.test(label)) return /^\s+$/.test(gap) && value.length >= 16;
  if (!/[:=>|]/.test(gap)) return false;
  if (/^token$/i.test(label)) return value.length >= 16 && /[0-9]/.test(value);
  if (/[=]/.test(gap) || /["']$/.test(gap)) return true;
  return value.length >= 6 && /[0-9]|[^A-Za-z0-9.,:;!?-]/.test(value);
}

const PEM = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
const PEM_BODY = /[A-Za-z0-9+/=\s:,.()\\-]*/y;
const PEM_END = /-----END [A-Z0-9 ]{1,60}-----/;
const UNFINISHED_PEM = /-{1,5}(?:B(?:E(?:G(?:I(?:N(?: [A-Z0-9 ]{0,60}-{0,5})?)?)?)?)?)?$/;

/** From BEGIN to END; a key without an end, for as long as it looks like one. */
function scanPem(text: string, from: number, found: Findings): number {
  let settled = text.length;
  eachMatch(PEM, text, from, ({ index, 0: begin }) => {
    PEM_BODY.lastIndex = index + begin.length;
    PEM_BODY.test(text);
    const body = text.slice(index + begin.length, PEM_BODY.lastIndex);
    const end = PEM_END.exec(body);
    const stop = index + begin.length + (end === null ? body.length : end.index + end[0].length);
    found.match(index, stop);
    if (stop === text.length && end === null) settled = Math.min(settled, index);
    PEM.lastIndex = stop;
  });
  return settled;
}

/** The password of a URL (RFC 3986 section 3.2.1). */
const URL_PASSWORD = /:\/\/[^\s:@/"'<>]{0,64}:([^\s@/"'<>]{1,256})@/g;
const UNFINISHED_PASSWORD = /(?<=:\/\/[^\s:@/"'<>]{0,64}:)[^\s@/"'<>]{1,256}$/;
const UNFINISHED_URL = /:(?:\/(?:\/[^\s@/"'<>]{0,321})?)?$/;

function scanUrls(text: string, from: number, found: Findings): void {
  if (!text.includes('://')) return;
  eachMatch(URL_PASSWORD, text, from, ({ index, 0: all, 1: password = '' }) => {
    const end = index + all.length - 1;
    found.match(end - password.length, end, index);
  });
}

function tail(text: string, pattern: RegExp, longest: number): number {
  const from = Math.max(0, text.length - longest);
  const match = pattern.exec(from === 0 ? text : text.slice(from));
  return match === null ? text.length : from + match.index;
}

function unfinished(text: string, found: Findings): number {
  const token = tail(text, UNFINISHED_TOKEN, LONGEST_HEAD + 32);
  if (text.length - token > 16) found.partial(token);
  const password = tail(text, UNFINISHED_PASSWORD, 400);
  if (text.length - password > 6) found.partial(password);
  return Math.min(
    token,
    tail(text, UNFINISHED_PEM, 96),
    tail(text, UNFINISHED_URL, 400),
    unfinishedLabel(text, BEGINNINGS),
  );
}

export const secret: Detector = {
  shortest: 4,
  label: LABELLED.label,
  owns: (field) => FIELD.test(field.toLowerCase().replaceAll(/[^a-z0-9]/g, '')),
  scan(text, from, ended, found) {
    let settled = text.length;
    eachMatch(TOKEN, text, from, ({ index, 0: token }) => {
      found.match(index, index + token.length);
      if (index + token.length === text.length) settled = Math.min(settled, index);
    });
    settled = Math.min(settled, scanPem(text, from, found), scanLabelled(text, from, LABELLED, found));
    scanUrls(text, from, found);
    return ended ? text.length : Math.min(settled, unfinished(text, found));
  },
};
