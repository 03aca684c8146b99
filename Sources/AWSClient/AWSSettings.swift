import Foundation

/// What the environment and the files of AWS's command line tools say.
package struct AWSSettings: Sendable {
    let environment: [String: String]
    package let profile: String
    /// The file of credentials and that of settings.
    let files: [String]

    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        homeDirectory: String = NSHomeDirectory()
    ) {
        self.environment = environment.filter { !$0.value.isEmpty }
        profile = self.environment["AWS_PROFILE"] ?? self.environment["AWS_DEFAULT_PROFILE"] ?? "default"
        files = [
            self.environment["AWS_SHARED_CREDENTIALS_FILE"] ?? homeDirectory + "/.aws/credentials",
            self.environment["AWS_CONFIG_FILE"] ?? homeDirectory + "/.aws/config",
        ]
    }

    subscript(variable: String) -> String? { environment[variable] }

    /// What both files say of a profile, that of credentials first; `nil` when neither knows it.
    func settings(of profile: String) -> [String: String]? {
        files.reversed().reduce(nil) { found, path in
            guard let settings = ProfileFile(path: path)?.settings(of: profile) else { return found }
            return (found ?? [:]).merging(settings.filter { !$0.value.isEmpty }) { $1 }
        }
    }

    /// From `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile; `nil` when none of them names one.
    package var region: String? {
        environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? settings(of: profile)?["region"]
    }
}

/// Reads a file that holds one word, such as a token.
func wordInFile(_ path: String) throws -> String {
    guard let file = FileHandle(forReadingAtPath: path) else {
        throw AWSCredentialsUnavailable(place: path, reason: "the file cannot be read")
    }
    defer { try? file.close() }
    let data = try file.read(upToCount: ProfileFile.maximumBytes) ?? Data()
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
