import type { Activation, ActivationSource } from '../enforcement/activation.ts';

/** What is active now, per tenant; each is swapped as a whole. */
export class Activations implements ActivationSource {
  readonly #byTenant = new Map<string, Activation>();

  get(tenant?: string): Activation | undefined {
    if (tenant !== undefined) return this.#byTenant.get(tenant);
    return this.#byTenant.size === 1 ? this.#byTenant.values().next().value : undefined;
  }

  list(): readonly Activation[] {
    return [...this.#byTenant.values()];
  }

  set(activation: Activation): void {
    this.#byTenant.set(activation.tenant, activation);
  }

  delete(tenant: string): void {
    this.#byTenant.delete(tenant);
  }
}
