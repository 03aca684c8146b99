// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "delay-alerts",
    platforms: [.macOS(.v15)],
    products: [
        // Handler in function.yaml names this library.
        .library(name: "DelayAlerts", type: .dynamic, targets: ["DelayAlerts"])
    ],
    dependencies: [
        // Without its default trait: what a plugin imports, and none of the host's dependencies.
        .package(name: "millrace", path: "../..", traits: [])
    ],
    targets: [
        .target(
            name: "DelayAlerts",
            dependencies: [.product(name: "MillraceFunction", package: "millrace")]
        )
    ],
    swiftLanguageModes: [.v6]
)
