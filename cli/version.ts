/** Of Aegis as a whole, as in package.json. */
export { VERSION } from '../gateway/version.ts';
