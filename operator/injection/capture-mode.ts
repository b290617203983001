import type { CaptureMode } from '../../policy/wire/pod-contract.ts';
import type { InjectionSettings, NamespaceFacts } from './types.ts';

/** `baseline` and `restricted` forbid NET_ADMIN, and with it the init container that redirects. */
export function captureMode(
  { podSecurity }: Pick<NamespaceFacts, 'podSecurity'>,
  { capture }: Pick<InjectionSettings, 'capture'>,
): CaptureMode {
  if (capture !== 'Auto') return capture;
  return podSecurity === 'privileged' ? 'Transparent' : 'Explicit';
}
