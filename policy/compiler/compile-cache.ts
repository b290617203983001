import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, AgentTool } from '../resources/types.generated.ts';
import { type ActionContract, actionContracts } from './action-contract.ts';
import type { PolicyRevision } from './policy-revision.ts';

interface Remembered<T> {
  inputs: readonly unknown[];
  value: T;
}

/** `inputs` are compared by identity: the same objects mean the same result. */
function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((input, index) => Object.is(input, b[index]));
}

/**
 * What a later compilation may reuse: resources are immutable, so a part whose inputs are the same objects is the same
 * part. One cache serves one stream of compilations; it holds what the last one used and forgets deleted resources.
 */
export class CompileCache {
  private readonly contracts = new WeakMap<AgentTool, ReadonlyMap<string, ActionContract>>();
  private readonly revisions = new WeakMap<AgentPolicy, Map<string, Remembered<PolicyRevision>>>();
  private slices = new Map<string, Remembered<SliceFile>>();
  private nextSlices = new Map<string, Remembered<SliceFile>>();

  contractsOf(tool: LoadedResource<AgentTool>): ReadonlyMap<string, ActionContract> {
    let known = this.contracts.get(tool.object);
    if (known === undefined) {
      known = actionContracts(tool.object);
      this.contracts.set(tool.object, known);
    }
    return known;
  }

  revisionOf(
    policy: AgentPolicy,
    tenant: string,
    inputs: readonly unknown[],
    make: () => PolicyRevision,
  ): PolicyRevision {
    let byTenant = this.revisions.get(policy);
    if (byTenant === undefined) {
      byTenant = new Map();
      this.revisions.set(policy, byTenant);
    }
    const known = byTenant.get(tenant);
    if (known !== undefined && same(known.inputs, inputs)) return known.value;
    const value = make();
    byTenant.set(tenant, { inputs, value });
    return value;
  }

  sliceOf(key: string, inputs: readonly unknown[], make: () => SliceFile): SliceFile {
    const known = this.slices.get(key);
    const entry = known !== undefined && same(known.inputs, inputs) ? known : { inputs, value: make() };
    this.nextSlices.set(key, entry);
    return entry.value;
  }

  /** Ends one compilation: slices that it did not use are forgotten. */
  turn(): void {
    this.slices = this.nextSlices;
    this.nextSlices = new Map();
  }
}

/** A data file of the bundle; the same object as long as its content is the same. */
export interface SliceFile {
  bytes: Uint8Array;
  /** Conflicts found for this agent. */
  findings?: Finding[];
}
