// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "bench-plugins",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "CountingPlugin", type: .dynamic, targets: ["CountingPlugin"]),
        .library(name: "JournalPlugin", type: .dynamic, targets: ["JournalPlugin"]),
    ],
    dependencies: [
        // Without its default trait: what a plugin imports, and none of the host's dependencies.
        .package(name: "millrace", path: "../../../..", traits: [])
    ],
    targets: [
        .target(
            name: "CountingPlugin",
            dependencies: [.product(name: "MillraceFunction", package: "millrace")]
        ),
        .target(
            name: "JournalPlugin",
            dependencies: [.product(name: "MillraceFunction", package: "millrace")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
