/** The headers of the OPA Bundle Service API: entity tags and long polls. Pure. */

/** A server that waits says so by this type (OPA Bundle Service API, long polling). */
export const LONG_POLL_TYPE = 'application/vnd.openpolicyagent.bundles';
export const MAX_WAIT_SECONDS = 60;

const MAX_TAGS = 64;
const TAG = /(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

/** Entity tags of `If-None-Match` without quotes and weakness (RFC 9110 sections 8.8.3 and 13.1.2), or `*`. */
export function entityTags(header: string | undefined): readonly string[] | '*' {
  if (header === undefined) return [];
  if (header.trim() === '*') return '*';
  const tags: string[] = [];
  for (const [, tag = ''] of header.matchAll(TAG)) if (tags.push(tag) >= MAX_TAGS) break;
  return tags;
}

/** Weak comparison: what is known is what there is. */
export function isKnown(tags: readonly string[] | '*', etag: string): boolean {
  return tags === '*' || tags.includes(etag);
}

export interface PollPreference {
  /** The client knows long polls. */
  longPoll: boolean;
  /** How long it will wait for something new; 0: not at all. At most 60. */
  waitSeconds: number;
}

/** `Prefer` (RFC 7240), also where semicolons stand between preferences, as OPA writes it: `modes=snapshot;wait=30`. */
export function pollPreference(header: string | undefined): PollPreference {
  let longPoll = false;
  let waitSeconds: number | undefined;
  for (const part of (header ?? '').slice(0, 1024).split(/[,;]/)) {
    const [name = '', value = ''] = part.split('=', 2).map((text) => text.trim().toLowerCase());
    if (name === 'modes') longPoll = true;
    // the first of a name counts
    if (name === 'wait' && waitSeconds === undefined && /^"?[0-9]{1,9}"?$/.test(value)) {
      waitSeconds = Math.min(MAX_WAIT_SECONDS, Number(value.replaceAll('"', '')));
    }
  }
  return { longPoll: longPoll || waitSeconds !== undefined, waitSeconds: waitSeconds ?? 0 };
}
