import { type Authority, parseAuthority } from './authority.ts';

/** The four forms of a request target (RFC 9112 section 3.2), as far as this gateway takes them. */
export type RequestTarget =
  | { form: 'origin'; path: string }
  | { form: 'absolute'; scheme: 'http' | 'https'; authority: Authority; path: string }
  | { form: 'other' };

const ABSOLUTE = /^(https?):\/\/([^/?#]*)([/?].*)?$/i;

/** A target with an unusable authority, a fragment, or another scheme is `other`. */
export function parseTarget(target: string): RequestTarget {
  if (target.startsWith('/')) return { form: 'origin', path: target };
  const [, scheme, named, rest = '/'] = ABSOLUTE.exec(target) ?? [];
  const authority = named === undefined ? undefined : parseAuthority(named);
  if (scheme === undefined || authority === undefined) return { form: 'other' };
  return {
    form: 'absolute',
    scheme: scheme.toLowerCase() as 'http' | 'https',
    authority,
    path: rest.startsWith('?') ? `/${rest}` : rest,
  };
}
