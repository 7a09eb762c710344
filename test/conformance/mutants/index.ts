import { classAndSecretMutants } from './class-and-secret.ts'
import { createMutants } from './create.ts'
import { deleteMutants } from './delete.ts'
import { faultMutants } from './faults.ts'
import { identityMutants } from './identity.ts'
import { limitMutants } from './limits.ts'
import { lookMutants } from './look.ts'
import type { Mutant } from './mutant.ts'

/** Drivers that are each wrong in exactly one way. */
export const mutants: readonly Mutant[] = [
  ...identityMutants,
  ...createMutants,
  ...lookMutants,
  ...deleteMutants,
  ...classAndSecretMutants,
  ...limitMutants,
  ...faultMutants,
]
