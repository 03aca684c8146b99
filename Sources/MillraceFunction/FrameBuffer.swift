/// The memory of one frame.
///
/// Views of records hold on to it, so they stay valid wherever they are kept.
// Unchecked: the server writes to it only before it lends it, or when nobody else holds it any more.
@usableFromInline
final class FrameBuffer: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        base = UnsafeMutableRawPointer.allocate(byteCount: max(16, capacity), alignment: 16)
    }

    deinit {
        base.deallocate()
    }
}
