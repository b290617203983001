import type { Express } from 'express';
import { CompileCache } from '../../policy/compiler/compile-cache.ts';
import { type AdmissionAppOptions, admissionApp, type Review } from './admission-app.ts';
import { type AdmitDeps, admit, KINDS } from './admit.ts';

export const VALIDATE_PATH = '/validate';

export type WebhookOptions = AdmitDeps & Omit<AdmissionAppOptions, 'routes' | 'kinds'>;

/** Judges the resources of Aegis. Nothing is kept between requests but the compile cache. */
export function validation(options: AdmitDeps): Review {
  const deps: AdmitDeps = { ...options, check: { cache: new CompileCache(), ...options.check } };
  return (request) => admit(request, deps);
}

/** The handler of `POST /validate` alone. */
export function validatingWebhook(options: WebhookOptions): Express {
  return admissionApp({ ...options, routes: { [VALIDATE_PATH]: validation(options) }, kinds: KINDS });
}
