/** Of Aegis as a whole. */
export { VERSION } from '../runtime/version.ts';
