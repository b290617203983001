import { getCACertificates } from 'node:tls';
import { caFolder, exportCertificates } from './ca-folder.ts';
import { type CaDeps, openCertificateAuthority } from './certificate-authority.ts';
import { createLeafContexts, type LeafContexts, type LeafContextsOptions } from './leaf-contexts.ts';

export interface OpenLeafContextsOptions extends LeafContextsOptions {
  /** Folder with ca.crt and ca.key; a CA is made where there is none. */
  folder: string;
  /** File to write the CA certificate to, for clients to trust. */
  exportTo?: string;
  /** File to write it to together with the public ones. */
  bundleTo?: string;
  /** Hosts (`*.` for all below) that a new CA shall be good for; default: no constraint. */
  permitted?: readonly string[];
}

/** The CA of a folder, ready to answer for hosts. @throws AegisError AEGIS_CA */
export function openLeafContexts(
  { folder, exportTo, bundleTo, permitted = [], ...options }: OpenLeafContextsOptions,
  deps: Omit<CaDeps, 'files'>,
): LeafContexts {
  const authority = openCertificateAuthority({ ...deps, files: caFolder(folder) }, permitted);
  const { certificate } = authority;
  if (exportTo !== undefined) exportCertificates(exportTo, [certificate]);
  if (bundleTo !== undefined) exportCertificates(bundleTo, [certificate, ...getCACertificates('bundled')]);
  return createLeafContexts(authority, deps, options);
}
