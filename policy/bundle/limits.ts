/** Bounds on what an untrusted bundle may cost before its signature is known to be good; in bytes. */
export interface BundleLimits {
  /** The archive as received. */
  maxArchiveBytes: number;
  /** All files together, unpacked. */
  maxTotalBytes: number;
  maxFileBytes: number;
  /** A count. */
  maxFiles: number;
}

export const DEFAULT_LIMITS: BundleLimits = {
  maxArchiveBytes: 64 * 1024 * 1024,
  maxTotalBytes: 256 * 1024 * 1024,
  maxFileBytes: 64 * 1024 * 1024,
  maxFiles: 50_000,
};

/** For a gateway, which receives the slice of one agent and has little memory. */
export const SLICE_LIMITS: BundleLimits = {
  maxArchiveBytes: 8 * 1024 * 1024,
  maxTotalBytes: 32 * 1024 * 1024,
  maxFileBytes: 16 * 1024 * 1024,
  maxFiles: 8,
};
