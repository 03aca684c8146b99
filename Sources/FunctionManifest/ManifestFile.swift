import Foundation

/// The text of a function.yaml or a template.
enum ManifestFile {
    /// A function has a handful of settings; anything longer is another file under the wrong name.
    private static let maximumBytes = 1 << 20

    /// - Returns: `nil` when it cannot be read. The log tells why.
    static func text(of file: String, log: ProblemLog) -> String? {
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: file))
            guard data.count <= maximumBytes else {
                log.add(at: nil, "the file has \(data.count) bytes, the limit is \(maximumBytes)")
                return nil
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                log.add(at: nil, "the file is not UTF-8")
                return nil
            }
            return text
        } catch {
            log.add(at: nil, "the file cannot be read: \(error.localizedDescription)")
            return nil
        }
    }
}
