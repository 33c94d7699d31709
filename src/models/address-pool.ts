/** Condition of a Service whose addresses are of the address pool, not the nodes': nodes announce no others. */
export const poolCondition = 'optiflow.dev/AddressPool'
