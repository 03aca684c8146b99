import ArgumentParser

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Runs functions beside other workers; shows and drains those that share the leases.",
        discussion: """
            Beside a host:  millrace worker --data DIR
            On Kinesis:     millrace worker --stream-endpoint URL --functions DIR --data DIR
            Many machines:  millrace worker --stream-endpoint URL --functions DIR --lease-store dynamodb://REGION/APP

            `millrace worker run --help` shows every option of a worker.
            """,
        subcommands: [WorkerRun.self, WorkerList.self, WorkerDrain.self],
        defaultSubcommand: WorkerRun.self
    )
}
