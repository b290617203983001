import { parseAddress } from '../../../policy/network/address.ts';
import { CharacterSet, type Detector, eachMatch, tailStart } from './detector.ts';

/** IPv4 in four plain octets, IPv6 in the forms of RFC 4291 section 2.2; of an IPv6 address with IPv4 in it, that part. */

const IPV4 = /(?<![0-9A-Za-z.-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z-]|\.[0-9])/g;
const IPV6 = /(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{2,39}(?![0-9A-Za-z:]|\.[0-9])/g;
const RUN = new CharacterSet(/[0-9A-Za-z:.-]/);
const LONGEST = 48;

export const ipAddress: Detector = {
  shortest: 2,
  hint: /[0-9A-Fa-f]?[:.][0-9A-Fa-f:]/,
  scan(text, from, ended, found) {
    eachMatch(IPV4, text, from, ({ index, 0: address }) => {
      if (parseAddress(address) !== undefined) found.match(index, index + address.length);
    });
    if (text.includes(':')) {
      eachMatch(IPV6, text, from, ({ index, 0: address }) => {
        if (/[0-9a-f]/i.test(address) && address.includes(':') && parseAddress(address) !== undefined) {
          found.match(index, index + address.length);
        }
      });
    }
    return ended ? text.length : tailStart(text, (code) => RUN.has(code), LONGEST);
  },
};
