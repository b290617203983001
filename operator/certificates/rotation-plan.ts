import { X509Certificate } from 'node:crypto';
import { type CertificateContents, type Inspected, inspect } from './certificate-contents.ts';
import { bundleOf } from './pem-bundle.ts';
import { type CertifiedKey, type IssueDeps, makeAuthority, makeLeaf } from './serving-authority.ts';

export interface RotationOptions {
  /** What the leaf is for. */
  names: readonly string[];
  /** ms. Default 10 years. */
  authorityLife?: number;
  /** ms. Default 1 year. */
  leafLife?: number;
  /**
   * ms that a CA is in everybody's bundle before it signs, and after it has signed last. Longer than any replica or
   * client goes on with what it has read before. Default 1 day.
   */
  overlap?: number;
  /** How new keys and certificates are made. */
  make: IssueDeps;
}

export interface RotationFacts {
  /** ms since the epoch. */
  now: number;
  /** Whether all who hand out the bundle hand out all of it as it stands in the contents. */
  published: boolean;
  /** A request to replace the CA: any text that differs from the one that was taken up last. */
  request?: string | undefined;
}

/** What was done, for the log. */
export type RotationReason =
  | 'created'
  | 'caLost'
  | 'leafLost'
  | 'leafRenewed'
  | 'nextCaLost'
  | 'nextCaAdded'
  | 'nextCaPublished'
  | 'caSwitched'
  | 'oldCaDropped';

export interface RotationStep {
  /** To be written in place of the contents; absent: they stay as they are. */
  next?: { contents: CertificateContents; reason: RotationReason };
  /** ms since the epoch: when the next step may be due. Now, where there is a step already. */
  lookAgainAt: number;
}

const DAY = 86_400_000;
const DEFAULTS = { authorityLife: 3653 * DAY, leafLife: 365 * DAY, overlap: DAY };
/** ms between two looks at whether a new CA is known to everybody. */
const PUBLISHING = 2_000;

type Plan = CertificateContents & { at: Inspected };
type Settings = Required<RotationOptions>;

/**
 * The next single step from `contents` (absent: there are none): repair what is unusable, renew the leaf when a third of
 * its life is left, and the CA likewise, with overlap: its successor joins the bundle, signs only after everybody has
 * had that bundle for `overlap`, and the old one leaves `overlap` after that. So nobody ever meets a leaf whose CA is
 * not in the bundle that was handed out, as long as nobody lags by more than `overlap`. Every step stands in the
 * contents, so that whoever comes next goes on from there. Deterministic but for the keys that `make` makes.
 */
export function planRotation(
  contents: CertificateContents | undefined,
  facts: RotationFacts,
  options: RotationOptions,
): RotationStep {
  const settings: Settings = { ...DEFAULTS, ...options };
  if (contents === undefined) return step('created', fresh([], facts, settings), facts);
  const plan: Plan = { ...contents, at: inspect(contents, facts.now) };
  const { signer, next } = plan.at;
  if (signer === undefined) {
    const rescued = next === undefined ? fresh(plan.at.others, facts, settings) : promoted(plan, next, facts, settings);
    return step('caLost', rescued, facts);
  }
  return leafStep(plan, signer, facts, settings) ?? authorityStep(plan, signer, facts, settings);
}

function leafStep(plan: Plan, signer: Signer, facts: RotationFacts, settings: Settings): RotationStep | undefined {
  const { leaf } = plan.at;
  const lost = leaf === undefined || !leaf.checkIssued(signer.x509) || !sameNames(plan.names, settings.names);
  if (!lost && facts.now < leafRenewal(leaf, signer, settings)) return undefined;
  const contents = withLeaf(contentsOf(plan), signer, facts, settings);
  return step(lost ? 'leafLost' : 'leafRenewed', contents, facts);
}

/** When a third of its life is left; never, where its CA ends so soon that a new one would not live longer. */
function leafRenewal(leaf: X509Certificate, { x509 }: Signer, { leafLife }: Settings): number {
  const end = leaf.validToDate.getTime();
  if (x509.validToDate.getTime() - end < 1000) return Number.POSITIVE_INFINITY;
  return end - thirdOf(leaf, leafLife);
}

function authorityStep(plan: Plan, signer: Signer, facts: RotationFacts, settings: Settings): RotationStep {
  const { now, request } = facts;
  if (plan.next !== undefined) return nextStep(plan, facts, settings);
  const droppable = (plan.switchedAt ?? now) + settings.overlap;
  if (plan.at.others.length > 0 && now >= droppable) {
    return step('oldCaDropped', { ...contentsOf(plan), caBundle: bundleOf([signer.x509]) }, facts);
  }
  const renewal = signer.x509.validToDate.getTime() - thirdOf(signer.x509, settings.authorityLife);
  const asked = request !== undefined && request !== plan.request;
  if (asked || now >= renewal) {
    const next = makeAuthority(now, settings.authorityLife, settings.make);
    const caBundle = bundleOf([signer.x509, new X509Certificate(next.certificate), ...plan.at.others]);
    return step(
      'nextCaAdded',
      { ...contentsOf(plan), caBundle, next: { key: next.key }, ...(asked && { request }) },
      facts,
    );
  }
  const drop = plan.at.others.length > 0 ? droppable : Number.POSITIVE_INFINITY;
  return wait(Math.min(drop, renewal), plan, signer, settings);
}

/** A successor is there: it waits until everybody has it, and then for `overlap`. */
function nextStep(plan: Plan, facts: RotationFacts, settings: Settings): RotationStep {
  const { next } = plan.at;
  const signer = plan.at.signer as Signer;
  if (plan.next === undefined || next === undefined) {
    const { next: _, ...without } = contentsOf(plan);
    return step('nextCaLost', without, facts);
  }
  const { publishedAt } = plan.next;
  if (!facts.published) return wait(facts.now + PUBLISHING, plan, signer, settings);
  if (publishedAt === undefined) {
    const published = { ...plan.next, publishedAt: facts.now };
    return step('nextCaPublished', { ...contentsOf(plan), next: published }, facts);
  }
  const due = publishedAt + settings.overlap;
  if (facts.now < due) return wait(due, plan, signer, settings);
  return step('caSwitched', promoted(plan, next, facts, settings), facts);
}

type Signer = CertifiedKey & { x509: X509Certificate };

function fresh(others: readonly X509Certificate[], facts: RotationFacts, settings: Settings): CertificateContents {
  const { now, request } = facts;
  const made = makeAuthority(now, settings.authorityLife, settings.make);
  const empty = {
    caKey: made.key,
    cert: '',
    key: '',
    names: [],
    switchedAt: now,
    ...(request !== undefined && { request }),
  };
  // Replicas may still serve a leaf of a CA that has not ended.
  const caBundle = bundleOf([new X509Certificate(made.certificate), ...others]);
  return withLeaf({ ...empty, caBundle }, made, facts, settings);
}

function promoted(plan: Plan, next: Signer, facts: RotationFacts, settings: Settings): CertificateContents {
  const { next: _, ...rest } = contentsOf(plan);
  const old = [...(plan.at.signer === undefined ? [] : [plan.at.signer.x509]), ...plan.at.others];
  const caBundle = bundleOf([next.x509, ...old]);
  return withLeaf({ ...rest, caBundle, caKey: next.key, switchedAt: facts.now }, next, facts, settings);
}

function withLeaf(
  contents: CertificateContents,
  authority: CertifiedKey,
  { now }: RotationFacts,
  { names, leafLife, make }: Settings,
): CertificateContents {
  const { certificate, key } = makeLeaf(authority, names, now, leafLife, make);
  return { ...contents, cert: certificate, key, names };
}

function contentsOf({ at: _, ...contents }: Plan): CertificateContents {
  return contents;
}

function step(reason: RotationReason, contents: CertificateContents, { now }: RotationFacts): RotationStep {
  return { next: { contents, reason }, lookAgainAt: now };
}

function wait(until: number, { at: { leaf } }: Plan, signer: Signer, settings: Settings): RotationStep {
  const renewal = leaf === undefined ? until : leafRenewal(leaf, signer, settings);
  return { lookAgainAt: Math.min(until, renewal, signer.x509.validToDate.getTime()) };
}

/** Whoever made it may have meant another life. */
function thirdOf(certificate: X509Certificate, life: number): number {
  return Math.min(life, certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 3;
}

function sameNames(made: readonly string[], wanted: readonly string[]): boolean {
  return made.length === wanted.length && wanted.every((name) => made.includes(name));
}
