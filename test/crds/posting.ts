import type { ApiServer } from '../apiserver/api-server.ts';
import type { RawAnswer } from '../apiserver/raw-client.ts';
import { CRDS } from './load-schemas.ts';

export type FieldValidation = 'Strict' | 'Ignore';

interface Posted {
  apiVersion?: unknown;
  kind?: unknown;
  metadata?: { namespace?: unknown };
}

/** The collection that a client would post this object to, whatever is wrong with it. */
export function collectionOf({ apiVersion, kind, metadata }: Posted): string {
  const crd = CRDS.find(({ spec }) => spec.names.kind === kind);
  const plural = crd?.spec.names.plural ?? `${String(kind).toLowerCase()}s`;
  const namespace = encodeURIComponent(String(metadata?.namespace ?? 'default'));
  const scope = crd?.spec.scope === 'Cluster' ? '' : `namespaces/${namespace}/`;
  return `/apis/${String(apiVersion)}/${scope}${plural}`;
}

/** Creates it for trial only. */
export function tryCreate(server: ApiServer, object: Posted, fieldValidation: FieldValidation): Promise<RawAnswer> {
  return server.raw('POST', `${collectionOf(object)}?dryRun=All&fieldValidation=${fieldValidation}`, object);
}

/** The same of a text, one document after the other, as a policy in this namespace. */
export async function tryCreateText(
  server: ApiServer,
  text: string,
  fieldValidation: FieldValidation,
): Promise<RawAnswer[]> {
  const path = collectionOf({
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentPolicy',
    metadata: { namespace: 'fintech' },
  });
  const answers: RawAnswer[] = [];
  for (const document of text.split(/^---$/m)) {
    answers.push(
      await server.raw('POST', `${path}?dryRun=All&fieldValidation=${fieldValidation}`, document, {
        contentType: 'application/yaml',
      }),
    );
  }
  return answers;
}

/** The fields that the server finds wrong, as `spec.rules[0].name`; it writes keys of maps as `[key]`. */
export function fieldsOf({ body }: RawAnswer): string[] {
  const { details } = body as { details?: { causes?: { field?: string }[] } };
  return (details?.causes ?? []).flatMap(({ field }) => field?.replaceAll(/\[(?!\d+\])([^\]]*)\]/g, '.$1') ?? []);
}
