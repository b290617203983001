/** What is wrong with an admitted pod, e.g. `spec.initContainers[aegis-gateway].image` `is not as rendered`. */
export interface CheckFinding {
  field: string;
  /** To follow the field in a sentence. */
  message: string;
}
