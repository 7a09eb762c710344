import type { MachineCode } from '@mcm/sdk'

type FailureCode = Exclude<MachineCode, 'OK'>

/**
 * EC2's and STS's error codes by the machine code that they become. A code counts before the HTTP status: capacity and
 * throttling arrive as server errors. A trailing `*` stands for any ending, a leading one for any beginning.
 *
 * Sources: Amazon's public reference of EC2 error codes; the first ten are upstream's own map.
 */
export const errorTable: Partial<Record<FailureCode, readonly string[]>> = {
  ResourceExhausted: [
    'InsufficientCapacity',
    'InsufficientAddressCapacity',
    'InsufficientInstanceCapacity',
    'InsufficientVolumeCapacity',
    'InstanceLimitExceeded',
    'VcpuLimitExceeded',
    'VolumeLimitExceeded',
    'MaxIOPSLimitExceeded',
    'RouteLimitExceeded',
    'Unsupported',
    'InsufficientHostCapacity',
    'InsufficientCapacityOnHost',
    'IncompatibleHostRequirements',
    'UnavailableHostRequirements',
    'InsufficientReservedInstanceCapacity',
    'InsufficientReservedInstancesCapacity',
    'InsufficientFreeAddressesInSubnet',
    'UnfulfillableCapacity',
    'ReservationCapacityExceeded',
    'InvalidCapacityReservationState.PendingActivation',
    'SpotMaxPriceTooLow',
    'MaxSpotInstanceCountExceeded',
    'MaxScheduledInstanceCapacityExceeded',
    'HostLimitExceeded',
    'NetworkInterfaceLimitExceeded',
    'PlacementGroupLimitExceeded',
    'ResourceLimitExceeded',
    'ResourceCountExceeded',
    'VolumeIOPSLimit',
    'VolumeTypeNotAvailableInZone',
  ],
  Unavailable: [
    'RequestLimitExceeded',
    'RequestResourceCountExceeded',
    'BandwidthLimitExceeded',
    'Throttling',
    'ThrottlingException',
    'EC2ThrottledException',
    'TooManyRequests',
    'TooManyRequestsException',
    'SlowDown',
    'ServiceUnavailable',
    'Unavailable',
    'ServerInternal',
    'InternalError',
    'InternalFailure',
    'RetryableError',
    'ConcurrentTagAccess',
    'GatewayTimeout',
    'IDPCommunicationError',
  ],
  PermissionDenied: [
    'UnauthorizedOperation',
    'AccessDenied',
    'AccessDeniedException',
    'OptInRequired',
    'PendingVerification',
    'Blocked',
    'AccountDisabled',
    'TagPolicyViolation',
  ],
  Unauthenticated: [
    'AuthFailure',
    'InvalidClientTokenId',
    'SignatureDoesNotMatch',
    'IncompleteSignature',
    'MissingAuthenticationToken',
    'RequestExpired',
    'ExpiredToken',
    'ExpiredTokenException',
    'InvalidIdentityToken',
    'IDPRejectedClaim',
    'UnrecognizedClientException',
  ],
  InvalidArgument: [
    'InvalidParameter*',
    'MissingParameter',
    'UnknownParameter',
    'InvalidAMIID.*',
    'InvalidSubnetID.NotFound',
    'InvalidGroup.NotFound',
    'InvalidKeyPair.NotFound',
    'InvalidSnapshot.NotFound',
    'InvalidSecurityGroupID.NotFound',
    'InvalidInstanceType*',
    'InvalidPlacementGroup.*',
    'InvalidHostID.*',
    'InvalidCapacityReservationId.*',
    'InvalidBlockDeviceMapping',
    'InvalidAffinity',
    'UnknownVolumeType',
    'BootForVolumeTypeUnsupported',
    'EncryptedVolumesNotSupported',
    'AttachmentLimitExceeded',
    'PrivateIpAddressLimitExceeded',
    'SecurityGroupsPerI*',
    'TagLimitExceeded',
    'UnsupportedOperation',
    'UnsupportedTenancy',
    'UnsupportedInstanceTypeOnHost',
    'ZonesMismatched',
    'VPCIdNotSpecified',
    '*.Malformed',
  ],
  FailedPrecondition: [
    'IncorrectInstanceState',
    'IncorrectState',
    'OperationNotPermitted',
    'CustomerKeyHasBeenRevoked',
  ],
}

/** What an error code of EC2 or STS means, when it is known. */
export function machineCodeOf(cloudCode: string): FailureCode | undefined {
  return exact.get(cloudCode) ?? patterns.find(({ pattern }) => pattern.test(cloudCode))?.code
}

const entries = Object.entries(errorTable).flatMap(([code, cloudCodes]) =>
  // Object.entries forgets the type of the keys.
  cloudCodes.map((cloudCode) => ({ code: code as FailureCode, cloudCode })),
)
const exact = new Map(entries.map(({ code, cloudCode }) => [cloudCode, code]))
const patterns = entries
  .filter(({ cloudCode }) => cloudCode.includes('*'))
  .map(({ code, cloudCode }) => ({
    code,
    pattern: new RegExp(`^${cloudCode.replaceAll('.', '\\.').replaceAll('*', '.*')}$`),
  }))
