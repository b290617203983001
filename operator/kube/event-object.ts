import { microTime } from './micro-time.ts';
import type { KubeObject, ObjectMeta, ResourceType } from './types.ts';

export const EVENT: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export interface EventDetails {
  regarding: KubeObject;
  type: 'Normal' | 'Warning';
  /** CamelCase, for programs; cut to 128 bytes. */
  reason: string;
  /** What was done or tried; cut to 128 bytes. */
  action: string;
  /** For people; cut to 1 KiB. */
  note: string;
  related?: KubeObject;
}

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}

/** What an event says, within the limits of the API server, and nothing of the objects but who they are. */
export interface EventText {
  regarding: ObjectReference;
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
  related?: ObjectReference;
}

export interface EventObject extends KubeObject, EventText {
  metadata: ObjectMeta;
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  series?: { count: number; lastObservedTime: string };
}

const MAX_WORD = 128;
const MAX_NOTE = 1024;
/** Of 253 characters, with room for what makes a name unique. */
const MAX_NAME = 200;
/** Where events live that are about objects without a namespace. */
const CLUSTER_NAMESPACE = 'default';

export function eventText({ regarding, related, type, reason, action, note }: EventDetails): EventText {
  return {
    regarding: referenceTo(regarding),
    type,
    reason: cut(reason, MAX_WORD) || 'Unknown',
    action: cut(action, MAX_WORD) || 'Unknown',
    note: cut(note, MAX_NOTE),
    ...(related !== undefined && { related: referenceTo(related) }),
  };
}

export function eventNamespace({ regarding: { namespace } }: EventText): string {
  return namespace ?? CLUSTER_NAMESPACE;
}

/** `unique` is lowercase and alphanumeric. */
export function eventObject(
  text: EventText,
  source: { reportingController: string; reportingInstance: string },
  { at, unique }: { at: number; unique: string },
): EventObject {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${nameStem(text.regarding.name)}.${unique}`, namespace: eventNamespace(text) },
    eventTime: microTime(at),
    reportingController: source.reportingController,
    reportingInstance: cut(source.reportingInstance, MAX_WORD),
    ...text,
  };
}

function referenceTo({ apiVersion, kind, metadata: { namespace, name, uid } }: KubeObject): ObjectReference {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name, ...(uid !== undefined && { uid }) };
}

/** Some kinds allow names that an Event may not have. */
function nameStem(name: string): string {
  const stem = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, MAX_NAME);
  return (
    stem
      .split('.')
      .map((label) => label.replace(/^-+|-+$/g, ''))
      .filter((label) => label !== '')
      .join('.') || 'event'
  );
}

/** The first bytes of a text in UTF-8, without half a character at the end. */
function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.slice(0, maxBytes), 'utf8');
  if (bytes.length <= maxBytes) return bytes.toString('utf8');
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
