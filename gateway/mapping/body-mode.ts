import type { ActionPlan } from './action-plan.ts';
import { refuse } from './refusal.ts';
import type { BodyKind, BodyType } from './request-headers.ts';

/** `none`: there is no body. `read`: it is read before the decision. `stream`: it is forwarded as it comes, unread. */
export type BodyMode = 'none' | 'read' | 'stream';

function declaredKinds(plan: ActionPlan): BodyKind[] {
  const kinds: BodyKind[] = [];
  if (plan.form.size > 0) kinds.push('form');
  if (plan.json.length > 0) kinds.push('json');
  if (plan.multipart.size > 0) kinds.push('multipart');
  return kinds;
}

/**
 * A body that no parameter names passes unread where the action says so (`undeclared: Allow`), except where frameworks
 * take from it what stands in the query or the method: URL-encoded forms always, and in a read, which uploads nothing,
 * JSON and multipart as well. A POST without a content type counts as a form for some (Rack).
 */
function streams(plan: ActionPlan, method: string, { kind, typed }: BodyType): boolean {
  if (kind === 'other') return typed || method !== 'POST';
  return kind !== 'form' && plan.action.effect !== 'read';
}

/** @throws MappingError AEGIS_MAPPING_CONTENT_TYPE where the action expects no body of this type. */
export function bodyMode(plan: ActionPlan, method: string, type: BodyType): BodyMode {
  const { kind } = type;
  if (kind === 'none') return 'none';
  // A form may hold another method for the tool (Rack), so it is not forwarded unread. A POST without a type may: SDKs of
  // object stores send their XML so, and whoever writes `body: Stream` says that the tool takes nothing else from it.
  const form = method === 'POST' && kind === 'form';
  if (plan.action.body === 'Stream' && !form) return 'stream';
  const declared = declaredKinds(plan);
  const open = declared.length === 0 && plan.action.undeclared === 'Allow';
  if (open && streams(plan, method, type)) return 'stream';
  if (open ? kind === 'other' : !declared.includes(kind)) {
    refuse('AEGIS_MAPPING_CONTENT_TYPE', `${plan.action.name} expects no body of this content type.`);
  }
  if (type.unreadable !== undefined) refuse('AEGIS_MAPPING_CONTENT_TYPE', type.unreadable);
  return 'read';
}
