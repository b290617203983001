/** Bounds on what an untrusted bundle may cost before its signature is known to be good. Bytes, unless named otherwise. */
export interface BundleLimits {
  /** The archive as received. */
  maxArchiveBytes: number;
  /** All files together, unpacked. */
  maxTotalBytes: number;
  maxFileBytes: number;
  maxFiles: number;
}

export const DEFAULT_LIMITS: BundleLimits = {
  maxArchiveBytes: 64 * 1024 * 1024,
  maxTotalBytes: 256 * 1024 * 1024,
  maxFileBytes: 64 * 1024 * 1024,
  maxFiles: 50_000,
};
