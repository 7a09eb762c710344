import { type Static, Type } from 'typebox'
import { faultKinds } from '../hooks.ts'
import { defaultDeclarations, defaultLimits } from '../setup.ts'

const closed = { additionalProperties: false }
const anyObject = Type.Record(Type.String(), Type.Unknown())
const fileOr = (what: string) =>
  Type.Union([Type.String({ minLength: 1 }), anyObject], { description: `${what}: a YAML file, or the object itself.` })

const variant = (description: string) =>
  Type.Object(
    {
      machineClass: Type.Optional(fileOr('A MachineClass in place of the usual one')),
      secret: Type.Optional(fileOr('A Secret in place of the usual one')),
      providerSpec: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), {
          description: 'What differs in providerSpec; null removes a field.',
        }),
      ),
    },
    { ...closed, description },
  )

const command = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const count = (fallback: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, default: fallback, description }))
const seconds = (fallback: number, description: string, minimum = 0.1) =>
  Type.Optional(Type.Number({ minimum, default: fallback, description }))

/** JSON Schema of mcm-conformance.yaml. */
export const configSchema = Type.Object(
  {
    profile: Type.Optional(
      Type.Union([Type.Literal('core'), Type.Literal('full')], {
        default: 'core',
        description: 'What is asked for: `core`, or `full`, which needs hooks into the cloud.',
      }),
    ),
    machineClass: fileOr('The class of the machines that are made'),
    secret: Type.Optional(fileOr('The Secret that goes with it')),
    providerSpec: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'What differs in providerSpec from what the file says; null removes a field.',
      }),
    ),
    otherCluster: Type.Optional(variant('A class of another cluster, whose VMs must be left alone.')),
    incompatible: Type.Optional(variant('A class of the same cluster with other parameters for the VM.')),
    uninitialized: Type.Optional(variant('A class whose VMs need InitializeMachine.')),
    invalid: Type.Optional(
      Type.Object(
        {
          providerSpec: Type.Record(Type.String(), Type.Unknown(), {
            description: 'What is wrong in providerSpec; null removes a field.',
          }),
          paths: Type.Array(Type.String({ pattern: '^providerSpec' }), {
            minItems: 1,
            description: 'Paths of all that is wrong, for example `providerSpec.disk.sizeGiB`.',
          }),
        },
        {
          ...closed,
          description: 'An invalid class. Default: each field of providerSpec that is set has a value of another kind.',
        },
      ),
    ),
    requiredSecretKeys: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Keys without which nothing works. Default: as the plugin says, else all but `userData`.',
      }),
    ),
    volumes: Type.Optional(
      Type.Object(
        {
          known: Type.Array(Type.Object({ spec: anyObject, id: Type.String() }, closed), {
            description: 'PersistentVolumeSpecs of this provider, and their ids.',
          }),
          unknown: Type.Optional(Type.Array(anyObject, { description: 'PersistentVolumeSpecs of others.' })),
        },
        { ...closed, description: 'Volumes.' },
      ),
    ),
    declares: Type.Optional(
      Type.Object(
        {
          unknownFields: Type.Optional(
            Type.Union([Type.Literal('refused'), Type.Literal('ignored')], {
              default: defaultDeclarations.unknownFields,
              description: 'What becomes of providerSpec fields that the driver does not know.',
            }),
          ),
          userData: Type.Optional(
            Type.Union([Type.Literal('bytes'), Type.Literal('text')], {
              default: defaultDeclarations.userData,
              description: 'What user data may be: any bytes, or UTF-8 only.',
            }),
          ),
          userDataMinBytes: Type.Optional(
            Type.Integer({
              minimum: 0,
              default: defaultDeclarations.userDataMinBytes,
              description: 'The fewest bytes of user data that are taken.',
            }),
          ),
          uniqueNames: Type.Optional(
            Type.Boolean({
              default: defaultDeclarations.uniqueNames,
              description: 'Whether the cloud itself rules out two VMs of one machine name.',
            }),
          ),
        },
        {
          ...closed,
          description: 'Where the contract leaves a choice: what the driver has chosen. It is judged by that.',
        },
      ),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          callSeconds: seconds(defaultLimits.callSeconds, 'How long each call may take.'),
          cancelSeconds: seconds(defaultLimits.cancelSeconds, 'How long a driver may go on after a cancellation.'),
          settleSeconds: seconds(defaultLimits.settleSeconds, 'How long a look may not show a change yet.', 0),
          atOnce: count(defaultLimits.atOnce, 'Calls at once, in cases about that.'),
          listed: count(defaultLimits.listed, 'Machines that are made to see the whole list.'),
          repeats: count(defaultLimits.repeats, 'How often a call is repeated, in cases about that.'),
          userDataBytes: count(defaultLimits.userDataBytes, 'Bytes of user data that must be taken.'),
        },
        { ...closed, description: 'How much, and how long.' },
      ),
    ),
    hooks: Type.Optional(
      Type.Object(
        {
          module: command('A JavaScript module whose default export makes the hooks. Excludes the commands.'),
          fault: command('Makes trouble of the kind MCM_FAULT for calls of MCM_METHOD about MCM_MACHINE.'),
          clearFaults: command('Ends all trouble.'),
          faults: Type.Optional(
            Type.Array(Type.Union(faultKinds.map((kind) => Type.Literal(kind))), {
              description: 'The kinds of trouble that `fault` can make. Default: all.',
            }),
          ),
          vms: command('Prints the machine names of the VMs that live now, one line for each VM.'),
          userDataSha256: command('Prints the SHA-256 of the user data that the cloud got for MCM_MACHINE.'),
          countCalls: command('Prints how many calls the cloud has had.'),
          duplicate: command('Makes a second VM of MCM_MACHINE, as two creations at once might have.'),
          advanceClock: command("Puts the cloud's clock MCM_SECONDS forward."),
          restart: command('Ends the driver and starts it anew. Default: the kit does it, where it has started it.'),
        },
        { ...closed, description: 'Ways into the cloud: shell commands, or a module.' },
      ),
    ),
    knownFailures: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1 }), {
        description: 'Cases that are known to fail, with the reason. One that passes is an error.',
      }),
    ),
  },
  closed,
)

/** What mcm-conformance.yaml says. */
export type ConformanceConfig = Static<typeof configSchema>
