/** `Accepted`, `Compiled` and `BundlePublished`: the same for every kind. */
import type { Finding } from '../../policy/errors.ts';
import { type Aspect, fails, holds } from './aspect.ts';
import { clipWith } from './clip-text.ts';
import { isMissingReference, reasonOf } from './finding-reasons.ts';
import { describeErrors, sentence } from './finding-text.ts';
import type { Missing, Problem } from './views.ts';
import { REFERENCE_GRACE } from './wake-at.ts';

/** The part of every view that says whether this generation has made it into a bundle. */
export interface Acceptable {
  findings: readonly Finding[];
  takesPart: 'current' | 'lastGood' | 'none';
  missing?: Missing;
  problem?: Problem;
  conflict?: string;
}

export interface AcceptanceTexts {
  /** What holds while the last good version stands in. */
  lastGood: string;
  /** What holds while no version takes part. */
  none: string;
  /** What `BundlePublished` says when it is True. */
  published: string;
}

export function acceptanceAspects(
  view: Acceptable,
  published: boolean,
  texts: AcceptanceTexts,
  now: number,
): readonly [Aspect, Aspect, Aspect] {
  return [accepted(view, texts, now), compiled(view, published), bundlePublished(view, published, texts)];
}

/** What only says once more that a reference is missing does not count twice, and not before its time. */
function errorsOf({ findings, missing }: Acceptable): Finding[] {
  const errors = findings.filter(({ severity }) => severity === 'error');
  return missing === undefined ? errors : errors.filter((finding) => !isMissingReference(finding));
}

function accepted(view: Acceptable, texts: AcceptanceTexts, now: number): Aspect {
  const { missing, conflict, takesPart } = view;
  const consequence = takesPart === 'current' ? '' : texts[takesPart];
  const errors = errorsOf(view);
  const [first] = errors;
  if (first !== undefined) return fails('Accepted', 'stalled', reasonOf(first), describeErrors(errors, consequence));
  if (conflict !== undefined) return fails('Accepted', 'stalled', 'Conflict', clipWith(conflict, consequence));
  if (missing === undefined) return holds('Accepted', 'Valid', 'Schema and rules hold.');
  const overdue = now >= missing.since + REFERENCE_GRACE;
  const text = `${sentence(missing.what)} ${
    overdue ? 'Create it, or correct the name.' : 'It may still come; after five minutes this counts as an error.'
  }`;
  return fails('Accepted', overdue ? 'stalled' : 'working', missingReason(view, missing), clipWith(text, consequence));
}

function missingReason({ findings }: Acceptable, { what }: Missing): string {
  const named = findings.find(isMissingReference);
  if (named !== undefined) return reasonOf(named);
  const text = what.replaceAll(/"[^"]*"/g, '');
  if (/\btool\b|AgentTool/i.test(text)) return 'UnknownTool';
  return /\bagent\b|AgentRegistration/i.test(text) ? 'UnknownAgent' : 'MissingReference';
}

function compiled({ takesPart, problem }: Acceptable, published: boolean): Aspect {
  if (takesPart !== 'current') return fails('Compiled', 'working', 'Pending', 'Not compiled yet.');
  if (!published && problem?.condition === 'Compiled') return ofTenant(problem);
  return holds('Compiled', 'Succeeded', 'Compiled for this generation.');
}

function bundlePublished({ problem }: Acceptable, published: boolean, texts: AcceptanceTexts): Aspect {
  if (published) return holds('BundlePublished', 'Published', texts.published);
  if (problem?.condition === 'BundlePublished') return ofTenant(problem);
  return fails('BundlePublished', 'working', 'Pending', 'Not in a committed bundle yet.');
}

function ofTenant({ condition, reason, message, terminal }: Problem): Aspect {
  return fails(condition, terminal ? 'stalled' : 'working', reason, message);
}
