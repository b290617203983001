import type { ToolParameter } from '../../resources/types.generated.ts';
import { contentOf } from './document.ts';
import type { Declared } from './head-parameters.ts';
import { isObject, type JsonObject, Unusable } from './json.ts';
import { objectAt, resolve } from './reference.ts';
import { type Shape, shapeOf } from './schema-shape.ts';

export type BodyPlace = 'json' | 'form' | 'multipart';

export interface BodyParameters {
  declared: Declared;
  /** Members that the schema gives no single type: they stay undeclared. */
  open: string[];
}

const PLACES: readonly BodyPlace[] = ['json', 'form', 'multipart'];
const MAX_LEVELS = 8;
const MAX_PARAMETERS = 256;
const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/;

function placeOf(type: string): BodyPlace | undefined {
  if (JSON_TYPE.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type === 'multipart/form-data' ? 'multipart' : undefined;
}

/**
 * One body has one type for an action: the one that its own parameters stand in, else the first of JSON, form and
 * multipart that the operation takes. `undefined` where it takes none of them.
 */
function chooseMedia(content: Map<string, JsonObject>, wanted: BodyPlace | undefined) {
  const offers = [...content].flatMap(([type, media]) => {
    const place = placeOf(type);
    return place === undefined ? [] : [{ place, media }];
  });
  if (wanted === undefined) return PLACES.flatMap((place) => offers.filter((offer) => offer.place === place))[0];
  const offer = offers.find(({ place }) => place === wanted);
  if (offer === undefined)
    throw new Unusable(`it takes no body of the type that the action's ${wanted} parameters need`);
  return offer;
}

function add(into: BodyParameters, name: string, parameter: ToolParameter, required: boolean): void {
  if (into.declared.size >= MAX_PARAMETERS) throw new Unusable(`its body has more than ${MAX_PARAMETERS} members`);
  into.declared.set(name, { ...parameter, ...(required && { required }) });
}

function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Members of an object that takes no others are parameters of their own, `a.b`; any other object is one parameter. */
function addJson(root: JsonObject, shape: Shape, at: string[], required: boolean, into: BodyParameters): void {
  for (const [name, schema] of shape.properties) {
    const path = [...at, name];
    const member = shapeOf(root, schema);
    const needed = required && shape.required.has(name);
    if (member === undefined) into.open.push(path.join('.'));
    else if (member.type === 'object' && member.closed && member.properties.size > 0 && path.length < MAX_LEVELS) {
      addJson(root, member, path, needed, into);
    } else {
      const { type, items } = member;
      const pointer = path.map((token) => `/${escapeToken(token)}`).join('');
      add(into, path.join('.'), { in: 'json', pointer, type, ...(items !== undefined && { items }) }, needed);
    }
  }
}

/** Objects in a form only as `name[member]` (`style: deepObject`); by default they are JSON in a text, which stays one. */
function formType(media: JsonObject, name: string, { type, items = 'string' }: Shape): Omit<ToolParameter, 'in'> {
  const encoding = objectAt(objectAt(media, 'encoding') ?? {}, name);
  const deep = encoding?.style === 'deepObject';
  if (type === 'object') return { type: deep ? 'object' : 'string' };
  if (type !== 'array') return { type };
  const exploded = deep || encoding?.explode !== false;
  return exploded ? { type: 'array', items } : { type: 'string' };
}

function addForm(root: JsonObject, media: JsonObject, shape: Shape, required: boolean, into: BodyParameters): void {
  for (const [name, schema] of shape.properties) {
    const member = shapeOf(root, schema);
    if (member === undefined) into.open.push(name);
    else add(into, name, { in: 'form', ...formType(media, name, member) }, required && shape.required.has(name));
  }
}

function addMultipart(root: JsonObject, shape: Shape, required: boolean, into: BodyParameters): void {
  for (const [name, schema] of shape.properties) {
    const member = shapeOf(root, schema);
    const needed = required && shape.required.has(name);
    if (member === undefined || member.type === 'object' || (member.type === 'array' && member.items === 'object')) {
      into.open.push(name);
    } else if (member.type === 'array') {
      const { items = 'string' } = member;
      add(into, name, { in: 'multipart', type: 'array', items, ...(member.binary && { format: 'binary' }) }, needed);
    } else {
      add(into, name, { in: 'multipart', type: member.type, ...(member.binary && { format: 'binary' }) }, needed);
    }
  }
}

/**
 * The parameters in an operation's body. Required ones are required only where the body is.
 * @throws Unusable where the body is no object, or of no type that the action's own parameters could stand in.
 */
export function bodyParameters(root: JsonObject, operation: JsonObject, wanted: BodyPlace | undefined): BodyParameters {
  const into: BodyParameters = { declared: new Map(), open: [] };
  const body = operation.requestBody === undefined ? undefined : resolve(root, operation.requestBody);
  const chosen = isObject(body) ? chooseMedia(contentOf(root, body), wanted) : undefined;
  if (!isObject(body) || chosen === undefined) return into;
  const shape = shapeOf(root, chosen.media.schema);
  if (shape === undefined || shape.type !== 'object') throw new Unusable('its body is not described as one object');
  const required = body.required === true;
  if (chosen.place === 'json') addJson(root, shape, [], required, into);
  else if (chosen.place === 'form') addForm(root, chosen.media, shape, required, into);
  else addMultipart(root, shape, required, into);
  return into;
}
