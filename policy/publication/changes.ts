import { canonicalJson } from '../bundle/canonical-json.ts';
import { utf8 } from '../bundle/encoding.ts';
import type { CompiledTenant } from '../compiler/compile.ts';

type Policy = CompiledTenant['policies'][number];

/** What auditors read of each policy in a bundle: who changed it, why, on whose word. */
export function changesOf(tenant: CompiledTenant): unknown {
  return { policies: tenant.policies.map(changeOf), tenant: tenant.name };
}

function changeOf({ id, revision, source }: Policy): unknown {
  const { author, reason, ticket, tags } = source.object.spec.change ?? {};
  return {
    policy: id,
    revision,
    ...(author === undefined ? {} : { author }),
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/**
 * The same as canonical JSON, where the texts of policies that did not change (the same object with the same revision) are
 * kept from one publication to the next: it is one file for all policies of a tenant.
 */
export class ChangesWriter {
  readonly #texts = new WeakMap<object, { id: string; revision: string; text: string }>();

  bytes(tenant: CompiledTenant): Uint8Array {
    const policies = tenant.policies.map((policy) => this.#textOf(policy)).join(',');
    return utf8(`{"policies":[${policies}],"tenant":${canonicalJson(tenant.name)}}`);
  }

  #textOf(policy: Policy): string {
    const { id, revision, source } = policy;
    const known = this.#texts.get(source.object);
    if (known?.revision === revision && known.id === id) return known.text;
    const text = canonicalJson(changeOf(policy));
    this.#texts.set(source.object, { id, revision, text });
    return text;
  }
}
