// A control line and its complement from inverters of equal drive, each behind two small stages or one.
module line_driver (
    input  wire a,
    output wire x,
    output wire x_b
);
    wire inverted, same;
    sky130_fd_sc_hd__inv_1 before_x (.A(a), .Y(inverted));
    sky130_fd_sc_hd__inv_4 drive_x (.A(inverted), .Y(x));
    sky130_fd_sc_hd__buf_1 before_x_b (.A(a), .X(same));
    sky130_fd_sc_hd__inv_4 drive_x_b (.A(same), .Y(x_b));
endmodule
