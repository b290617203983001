import { INJECT_LABEL } from '../../policy/wire/pod-contract.ts';

/** Pods of a namespace with these labels get a gateway if they are an agent's. */
export function isLabelled(labels: Readonly<Record<string, string>>): boolean {
  const value = labels[INJECT_LABEL];
  return value === 'enabled' || value === 'strict';
}
