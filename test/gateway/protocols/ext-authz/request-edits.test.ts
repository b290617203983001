import { requestEdits } from '../../../../gateway/protocols/ext-authz/request-edits.ts';

const received = {
  target: '/a',
  rawHeaders: ['Cookie', 'a=1', 'Cookie', 'b=2', 'X-Agent-Id', 'root', 'X-Forwarded-For', '10.0.0.1', 'x-memo', 'long'],
  body: Buffer.from('x'),
};

describe('requestEdits', () => {
  it('changes nothing but claims of identity where the request was approved as it is', () => {
    expect(requestEdits(received, received, '')).toEqual({ set: [], remove: ['x-agent-id'] });
  });

  it('sets the path below its base, and single headers', () => {
    const rawHeaders = received.rawHeaders.with(-1, 'short');
    expect(requestEdits(received, { ...received, target: '/a?b=1', rawHeaders }, '/base')).toEqual({
      set: [':path', '/base/a?b=1', 'x-memo', 'short'],
      remove: ['x-agent-id'],
    });
  });

  it('cannot change a body', () => {
    expect(requestEdits(received, { ...received, body: Buffer.from('y') }, '')).toBeUndefined();
    expect(requestEdits(received, { ...received, body: undefined }, '')).toBeUndefined();
  });

  it('removes a header that the approved request has not', () => {
    const rawHeaders = received.rawHeaders.slice(0, -2);
    expect(requestEdits(received, { ...received, rawHeaders }, '')?.remove).toContain('x-memo');
  });
});
