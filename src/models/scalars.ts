/** A resource amount as written: `500m`, `2Gi`, `1e3`. Parse with base/quantity. */
export type Quantity = string
/** A number, or a string such as `25%` or a port's name. */
export type IntOrString = number | string
