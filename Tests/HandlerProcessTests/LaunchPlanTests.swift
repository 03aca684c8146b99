import Foundation
import FunctionLogs
import StreamCore
import TestSupport
import Testing

@testable import HandlerProcess

struct LaunchPlanTests {
    @Test(arguments: [".build/release", ".build/debug", "."])
    func `of several builds of a plugin the newest one is loaded`(newest: String) async throws {
        try await withTemporaryDirectory { code in
            let places = [".build/release", ".build/debug", "."]
            for (age, place) in ([newest] + places.filter { $0 != newest }).enumerated() {
                let folder = "\(code)/\(place)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                let file = "\(folder)/libAlerts.so"
                try Data().write(to: URL(fileURLWithPath: file))
                let modified = Date(timeIntervalSince1970: 1_700_000_000 - Double(age))
                try FileManager.default.setAttributes([.modificationDate: modified], ofItemAtPath: file)
            }

            #expect(try library(in: code) == "\(code)/\(newest)/libAlerts.so".replacing("/./", with: "/"))
        }
    }

    private func library(in code: String) throws -> String? {
        let function = FunctionDefinition(
            name: "alerts",
            runtime: .swiftPlugin,
            handler: "Alerts",
            codeDirectory: code
        )
        // Any executable will do: nothing is started.
        let settings = HandlerSettings(logs: FunctionLogs(directory: "\(code)/logs"), pluginRunner: "/bin/sh")
        return try LaunchPlan(function, settings: settings, runtimeAPI: nil, logStream: "stream").arguments
            .first
    }
}
