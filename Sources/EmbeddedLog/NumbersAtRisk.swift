/// A marker file: some sequence numbers may have been seen by readers although a power cut can take their records back, or has.
///
/// While it is there, each opening skips numbers, so that a number once seen never stands for another record. Set while a
/// relaxed log is open and before a recovery cuts anything off; cleared by a clean close.
struct NumbersAtRisk {
    let directory: String

    private var path: String { "\(directory)/numbers-at-risk" }

    var isSet: Bool {
        get throws {
            do {
                SystemFiles.close(try SystemFiles.open(path, writing: false))
                return true
            } catch let failure where failure.errno == SystemFiles.noSuchFile {
                return false
            }
        }
    }

    /// The marker survives a power cut when this returns.
    func set() throws {
        try SystemFiles.replaceContents(of: path, with: [], isSynced: true)
    }

    func clear() throws {
        try SystemFiles.remove(path)
    }
}
