/** What gateways tell the operator: part of the contract between the two programs. */
export type {
  CandidateCount,
  EgressObservation,
  GatewayAcknowledgement,
  GatewayReport,
  ViolationCount,
} from '../../policy/wire/gateway-report.ts';
