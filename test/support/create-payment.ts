/** The action of a payment API that tools of the tests have. */
export const CREATE_PAYMENT = {
  name: 'create_payment',
  effect: 'write',
  match: { method: 'POST', path: '/v1/payment_intents' },
  parameters: {
    amount: { in: 'form', type: 'integer', role: 'amount', scale: 'byCurrency' },
    currency: { in: 'form', type: 'string', role: 'currency', case: 'upper' },
  },
};
