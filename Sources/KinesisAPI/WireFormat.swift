import Foundation
import KinesisWire
import NIOCore

/// How a request and its answer are written.
package enum WireFormat: String, CaseIterable, Sendable {
    case json = "application/x-amz-json-1.1"
    /// What AWS SDKs for Java send unless told otherwise.
    case cbor = "application/x-amz-cbor-1.1"

    /// - Parameter contentType: What stands in the header; a charset behind a semicolon says nothing new.
    init?(contentType: String) {
        self.init(rawValue: String(contentType.prefix { $0 != ";" && $0 != " " }))
    }

    /// The JSON that control operations read.
    func json(from body: ByteBuffer) throws(KinesisError) -> Data {
        switch self {
        case .json: Data(body.readableBytesView)
        case .cbor:
            Data(
                try body.withUnsafeReadableBytes { bytes throws(KinesisError) in
                    try CBORToJSON.transcode(bytes)
                }
            )
        }
    }

    /// What control operations answer, in this format.
    func answer(fromJSON json: Data) throws(KinesisError) -> ByteBuffer {
        switch self {
        case .json: return ByteBuffer(bytes: json)
        case .cbor:
            let bytes = [UInt8](json)
            let result = bytes.withUnsafeBytes { bytes in
                Result { () throws(KinesisError) in try JSONToCBOR.transcode(bytes) }
            }
            return ByteBuffer(bytes: try result.get())
        }
    }
}
