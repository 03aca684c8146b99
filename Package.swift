// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

extension Target.Dependency {
    /// A plugin depends on this package without the trait, and so neither fetches nor builds what only the host needs.
    private static func hostProduct(_ name: String, _ package: String) -> Target.Dependency {
        product(name: name, package: package, condition: .when(traits: ["Host"]))
    }

    static let argumentParser = hostProduct("ArgumentParser", "swift-argument-parser")
    static let crypto = hostProduct("Crypto", "swift-crypto")
    static let grdb = hostProduct("GRDB", "GRDB.swift")
    static let hummingbird = hostProduct("Hummingbird", "hummingbird")
    static let logging = hostProduct("Logging", "swift-log")
    static let nioEmbedded = hostProduct("NIOEmbedded", "swift-nio")
    static let nioHTTP2 = hostProduct("NIOHTTP2", "swift-nio-http2")
    static let nioHTTPTypesHTTP2 = hostProduct("NIOHTTPTypesHTTP2", "swift-nio-extras")
    static let nioSSL = hostProduct("NIOSSL", "swift-nio-ssl")
    static let serviceLifecycle = hostProduct("ServiceLifecycle", "swift-service-lifecycle")
    static let unixSignals = hostProduct("UnixSignals", "swift-service-lifecycle")
    static let yams = hostProduct("Yams", "Yams")
}

extension Target {
    static func swift(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
        .target(name: name, dependencies: dependencies, swiftSettings: strict)
    }

    static func command(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
        .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
    }

    static func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
        .target(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
    }

    /// The tests of the target of that name.
    static func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.byName(name: name), "TestSupport"] + dependencies,
            swiftSettings: strict
        )
    }
}

let package = Package(
    name: "millrace",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "millrace", targets: ["millrace"]),
        .executable(name: "plugin-runner", targets: ["plugin-runner"]),
        .library(name: "MillraceFunction", targets: ["MillraceFunction"]),
    ],
    traits: [
        .default(enabledTraits: ["Host"]),
        .trait(name: "Host", description: "Everything but what a plugin imports."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.90.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.45.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.0.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        // Values and seams.
        .swift("StreamCore"),

        // The engine: rules and the loops that carry them out.
        .swift("Delivery", ["StreamCore", "ByteCoding", .logging]),
        .swift("Coordination", ["StreamCore", "Delivery", .logging]),

        // The log, the store, the handlers.
        .swift("ByteCoding", ["StreamCore", "CBytes"]),
        .swift("FileLocking"),
        .swift("EmbeddedLog", ["StreamCore", "FileLocking", "CBytes", .logging]),
        .swift("SQLiteStore", ["StreamCore", "FileLocking", .grdb]),
        .swift("DynamoDBStore", ["StreamCore", "AWSClient"]),
        .swift("HandlerWire", ["StreamCore", "ByteCoding"]),
        .swift("FunctionLogs", ["StreamCore", "FileLocking", "ByteCoding", .logging]),
        .swift(
            "HandlerProcess",
            ["StreamCore", "ByteCoding", "FunctionLogs", "HandlerWire", "CProcess", .logging]
        ),
        .swift("FunctionManifest", ["StreamCore", "Delivery", .yams]),

        // The servers and their client.
        .swift("KinesisWire", ["StreamCore", "ByteCoding", "CBytes", "CZlib"]),
        .swift(
            "KinesisAPI",
            [
                "StreamCore", "ByteCoding", "EmbeddedLog", "KinesisWire", .hummingbird, .logging,
                .serviceLifecycle,
            ]
        ),
        .swift(
            "LambdaAPI",
            [
                "StreamCore", "ByteCoding", "Delivery", "SQLiteStore", "CZlib", .crypto, .hummingbird,
                .logging,
            ]
        ),
        .swift("LogsAPI", ["StreamCore", "FunctionLogs", "KinesisWire", .hummingbird]),
        .swift("ManagementAPI", ["StreamCore", "Coordination", "Delivery"]),
        .swift("AWSClient", ["CCurl", .crypto]),
        .swift("FailureDestinations", ["StreamCore", "AWSClient", "ByteCoding", "FileLocking", .logging]),
        .swift("KinesisSource", ["StreamCore", "AWSClient", "ByteCoding", "KinesisWire", .logging]),

        // Who may call the servers, and how much of them a client may use.
        .swift("AccessControl", [.crypto]),
        .swift(
            "EndpointServer",
            ["AccessControl", .hummingbird, .logging, .nioHTTP2, .nioHTTPTypesHTTP2, .nioSSL]
        ),

        // What a function author imports, and the process that runs it.
        .swift("MillraceFunction", ["StreamCore", "HandlerWire"]),
        .command("plugin-runner"),

        .command(
            "millrace",
            [
                "AWSClient", "AccessControl", "ByteCoding", "Coordination", "Delivery", "DynamoDBStore",
                "EmbeddedLog",
                "EndpointServer", "FailureDestinations", "FileLocking", "FunctionLogs", "FunctionManifest",
                "HandlerProcess", "HandlerWire", "KinesisAPI", "KinesisSource", "KinesisWire", "LambdaAPI",
                "LogsAPI",
                "ManagementAPI",
                "SQLiteStore",
                "StreamCore", .argumentParser, .hummingbird,
                .logging, .serviceLifecycle, .unixSignals,
            ]
        ),

        // What Swift cannot say: vector instructions, the moment between fork and exec, variadic C, macros.
        .target(name: "CBytes"),
        .target(name: "CProcess"),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),

        // Measures the release build; see `make bench`.
        .executableTarget(
            name: "millrace-bench",
            dependencies: ["Delivery", "StreamCore", .argumentParser],
            exclude: ["Functions", "Peers", "Scripts"],
            swiftSettings: strict
        ),

        // One suite per target, the contracts of the seams, and the real binary from end to end.
        .support("TestSupport", ["StreamCore", "CJobs"]),
        .support("ServerSupport", [.hummingbird, .logging, .serviceLifecycle]),
        .support("Contracts", ["StreamCore", "TestSupport"]),
        .executableTarget(
            name: "store-peer",
            dependencies: ["StreamCore", "SQLiteStore"],
            path: "Tests/StorePeer",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "log-peer",
            dependencies: ["StreamCore", "EmbeddedLog", .logging],
            path: "Tests/LogPeer",
            swiftSettings: strict
        ),
        // Coordination and delivery under seeds; see `make simulate`.
        .target(name: "CJobs", path: "Tests/CJobs"),
        .target(name: "CSimulator", path: "Tests/CSimulator"),
        .executableTarget(
            name: "millrace-simulate",
            dependencies: [
                "CJobs", "CSimulator", "Coordination", "Delivery", "StreamCore", "TestSupport",
                .argumentParser, .logging,
            ],
            path: "Tests/Simulator",
            swiftSettings: strict
        ),
        .testTarget(
            name: "SimulatorTests",
            dependencies: ["TestSupport", "millrace-simulate"],
            swiftSettings: strict
        ),
        .tests("StreamCore"),
        .tests("ByteCoding", ["StreamCore"]),
        .tests("Delivery", ["StreamCore", "Contracts", .logging]),
        .tests("Coordination", ["StreamCore", "Delivery", "Contracts", .logging]),
        .tests("EmbeddedLog", ["StreamCore", "CBytes", "Contracts", "log-peer", .logging]),
        .tests("SQLiteStore", ["StreamCore", "Contracts", "store-peer", .grdb]),
        .testTarget(
            name: "DynamoDBStoreTests",
            dependencies: [
                "DynamoDBStore", "TestSupport", "AWSClient", "Contracts", "StreamCore", .hummingbird,
                "ServerSupport",
            ],
            exclude: ["Scripts"],
            swiftSettings: strict
        ),
        .tests("HandlerWire", ["StreamCore", "ByteCoding"]),
        .tests("FunctionLogs", ["StreamCore", .logging]),
        .tests(
            "HandlerProcess",
            ["StreamCore", "FunctionLogs", "HandlerWire", "Contracts", "plugin-runner", .logging]
        ),
        .tests("LogsAPI", ["StreamCore", "FunctionLogs", "ServerSupport", .hummingbird]),
        .tests("MillraceFunction", ["StreamCore", "HandlerWire"]),
        .tests("FunctionManifest", ["StreamCore"]),
        .tests("KinesisWire", ["StreamCore", "ByteCoding", "CZlib"]),
        .testTarget(
            name: "KinesisSourceTests",
            dependencies: [
                "KinesisSource", "TestSupport", "AWSClient", "ByteCoding", "Contracts", "CZlib",
                "EmbeddedLog", "EndpointServer", "KinesisAPI", "KinesisWire", "StreamCore", .hummingbird,
                "ServerSupport", .logging,
            ],
            exclude: ["Scripts"],
            swiftSettings: strict
        ),
        .tests(
            "KinesisAPI",
            [
                "StreamCore", "AWSClient", "ByteCoding", "EmbeddedLog", "KinesisWire", "ServerSupport",
                .hummingbird, .logging,
            ]
        ),
        .testTarget(
            name: "LambdaAPITests",
            dependencies: [
                "LambdaAPI", "TestSupport", "SQLiteStore", "StreamCore",
                .hummingbird, "ServerSupport", .logging,
            ],
            exclude: ["Scripts"],
            swiftSettings: strict
        ),
        .tests("AWSClient", ["ServerSupport", .hummingbird]),
        .testTarget(
            name: "FailureDestinationsTests",
            dependencies: [
                "FailureDestinations", "TestSupport", "AWSClient", "StreamCore", "ServerSupport",
                .hummingbird,
            ],
            exclude: ["Scripts"],
            swiftSettings: strict
        ),
        .tests("ManagementAPI", ["StreamCore", "Coordination", "Delivery"]),
        .tests("AccessControl", ["KinesisAPI"]),
        .tests(
            "EndpointServer",
            ["AWSClient", "AccessControl", "ServerSupport", .hummingbird, .nioEmbedded, .nioHTTP2]
        ),
        .testTarget(
            name: "MillraceTests",
            dependencies: [
                "TestSupport", "millrace", "Coordination", "EmbeddedLog", "FunctionLogs", "HandlerProcess",
                "ManagementAPI", "StreamCore", .argumentParser, .logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["TestSupport", "millrace", "plugin-runner"],
            path: "Tests/EndToEnd",
            exclude: ["Functions", "Scripts", "kcl.txt", "ministack.txt", "requirements.txt"],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
