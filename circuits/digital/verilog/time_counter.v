// Counts clocks in a shift register with feedback (x^6 + x^5 + 1 for 6 bits, xnor, from zero): counting, clearing and reading are one shift.
// TAPS are the bits fed back. `clear` must last BITS clocks.
module time_counter #(
    parameter BITS = 6,
    parameter [BITS-1:0] TAPS = 6'b110000
) (
    input  wire clk,
    input  wire clear,
    input  wire count,
    input  wire read,
    input  wire serial_in,
    output wire serial_out
);
    reg [BITS-1:0] state;
    wire next = ~clear & (read ? serial_in : ~^(state & TAPS));
    always @(posedge clk)
        if (clear | count | read) state <= {state[BITS-2:0], next};
    assign serial_out = state[BITS-1];
endmodule
