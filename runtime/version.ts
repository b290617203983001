/** Of Aegis as a whole, as in package.json. */
export const VERSION = '0.1.0';
