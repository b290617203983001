export type { LimitCharge, LimitRefusal, Operation } from '../../../gateway/limits/limit-store.ts';
export type { LimitWindow } from '../../../gateway/limits/limit-window.ts';
